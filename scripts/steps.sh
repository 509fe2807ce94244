# Sourced by test and .ci/run: steps with their time, and the count of passed, failed and skipped.

passed=0
failed=0
skipped=0

# step NAME COMMAND…: runs it, says how long it took; a failure is counted by the caller.
step() {
  local name=$1 started=$SECONDS status=0
  shift
  echo "== $name"
  "$@" || status=$?
  echo "== $name: $((SECONDS - started)) s$([ "$status" = 0 ] || echo ", FAILED")"
  return "$status"
}

# count_results FILE: adds the results of a JUnit file written by ctest; lists what was skipped.
count_results() {
  local line
  while read -r line; do
    case $line in
      run) passed=$((passed + 1)) ;;
      fail) failed=$((failed + 1)) ;;
      skip\ *) skipped=$((skipped + 1)); skipped_names+=("${line#skip }") ;;
    esac
  done < <(awk '
    /<testcase / {
      name = $0; sub(/.* name="/, "", name); sub(/".*/, "", name)
      status = $0; sub(/.* status="/, "", status); sub(/".*/, "", status)
      if (status == "run") print "run"
      else if (status == "fail") print "fail"
      else print "skip " name
    }' "$1")
}
skipped_names=()

# run_tests BUILD-DIRECTORY CTEST-OPTION…: runs ctest and counts; answers whether all passed.
run_tests() {
  local directory=$1 status=0 junit
  shift
  junit=$directory/results.xml
  rm -f "$junit"
  ctest --test-dir "$directory" --output-on-failure --output-junit "$junit" -j 2 "$@" \
    >"$directory/ctest.log" 2>&1 || status=$?
  if [ ! -e "$junit" ]; then
    cat "$directory/ctest.log" >&2
    echo "no test was run in $directory" >&2
    failed=$((failed + 1))
    return 1
  fi
  count_results "$junit"
  if [ "$status" != 0 ]; then
    awk '/\*\*\*Failed|\*\*\*Timeout|\*\*\*Exception/ {print}' "$directory/ctest.log" >&2
    grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed|^ *Start ' "$directory/ctest.log" | head -n 200 >&2 || true
  fi
  return "$status"
}

# The closing line, alone.
print_totals() {
  local name
  for name in "${skipped_names[@]}"; do echo "skipped: $name"; done
  echo "$passed passed, $failed failed, $skipped skipped"
}
