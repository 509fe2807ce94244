# Sourced by test and .ci/run: steps with their time, and what passed, failed and was skipped.

passed=0
failed_names=()
skipped_names=() # each with its reason

# step NAME COMMAND…: runs it and says how long it took; its status is COMMAND's.
step() {
  local name=$1 started=$SECONDS status=0
  shift
  echo "== $name"
  "$@" || status=$?
  echo "== $name: $((SECONDS - started)) s$([ "$status" = 0 ] || echo ", FAILED")"
  return "$status"
}

# check NAME COMMAND…: a command that counts as one test.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed_names+=("$name")
    return 1
  fi
}

# One line per test of a JUnit file written by ctest: "passed", "failed NAME" or "skipped NAME: REASON".
# A test that ctest did not run is a failure unless it asked to be skipped.
results_of() {
  awk '
    function attribute(line, key) { sub(".*" key "=\"", "", line); sub("\".*", "", line); return line }
    function plain(text) {
      gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text)
      gsub(/&amp;/, "\\&", text); return text
    }
    /<testcase / { name = attribute($0, " name"); status = attribute($0, " status"); skip = 0; reason = "" }
    /<skipped message="SKIP_/ { skip = 1 }
    /: Skipped$/ { getline; reason = $0 }                                   # GoogleTest
    / \.\.\. skipped / { sub(/.* \.\.\. skipped /, ""); reason = reason (reason == "" ? "" : "; ") $0 }  # unittest
    /<\/testcase>/ {
      if (status == "run") print "passed"
      else if (skip || status == "disabled") print "skipped " plain(name ": " (reason == "" ? status : reason))
      else print "failed " plain(name)
    }' "$1"
}

# run_tests NAME BUILD-DIRECTORY CTEST-OPTION…: runs ctest and counts; answers whether all passed.
run_tests() {
  local name=$1 directory status=0 line progress=(--quiet)
  directory=$(cd "$2" && pwd) # ctest takes other paths from there
  local results=$directory/results.xml log=$directory/ctest.log
  shift 2
  if [ -t 1 ]; then progress=(--progress); fi
  rm -f "$results"
  ctest --test-dir "$directory" --output-on-failure --output-junit "$results" --output-log "$log" \
    --test-output-size-passed 65536 --no-tests=error -j "$(nproc)" "${progress[@]}" "$@" >&2 || status=$?
  while IFS= read -r line; do
    case $line in
      passed) passed=$((passed + 1)) ;;
      failed\ *) failed_names+=("$name: ${line#failed }"); status=1 ;;
      skipped\ *) skipped_names+=("$name: ${line#skipped }") ;;
    esac
  done < <([ ! -e "$results" ] || results_of "$results")
  if [ ! -e "$results" ]; then failed_names+=("$name: ctest wrote no results"); status=1; fi
  if [ "$status" != 0 ]; then
    grep -vE '^ *[0-9]+/[0-9]+ Test .* (Passed|\*\*\*Skipped) |^ *Start +[0-9]+: ' "$log" | head -n 300 >&2 || true
    [ ${#failed_names[@]} -gt 0 ] || failed_names+=("$name: ctest ended with status $status")
  fi
  return "$status"
}

# The names of what was skipped and what failed, then the closing line, alone.
print_totals() {
  local name
  for name in "${skipped_names[@]}"; do echo "skipped: $name"; done
  for name in "${failed_names[@]}"; do echo "failed: $name"; done
  echo "$passed passed, ${#failed_names[@]} failed, ${#skipped_names[@]} skipped"
}
