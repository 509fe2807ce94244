#include "index_check.h"

#include "index_run.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {

namespace {

// The blocks' CRCs are those of the log as it stands.
result<void> check_bytes(const mapped_segment& one) {
  auto checked = one.check(0, one.end());
  if (checked && xxh3_128({one.data(), one.end()}) != one.facts().digest)
    return one.damaged(0, "this is not what was sealed, by the digest in MANIFEST");
  return checked;
}

}  // namespace

result<void> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                 const sealed_segment& facts) {
  const mapped_segment one(context, facts);
  auto checked = one.open();
  if (checked) checked = one.index().check();
  if (checked) checked = check_bytes(one);
  if (checked) checked = one.check_pages();
  return checked;
}

result<set_sums> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                     const sealed_segment& facts, const segment_replay& replay,
                                     const segment_terms& terms) {
  const mapped_segment one(context, facts);
  auto checked = one.open();
  if (checked) checked = check_bytes(one);
  if (!checked) return std::unexpected(checked.error());
  auto links = match_index(one, replay, terms);
  if (const auto whole = one.check_pages(); !whole) return std::unexpected(whole.error());
  return links;
}

result<std::uint64_t> check_run(const sealed_context& context, const known_run& known) {
  const auto path = context.paths.run(known.first_segment, known.last_segment);
  const auto run = index_run::open(context.environment, path,
                                   {.store_id = context.store_id,
                                    .hash_seed = context.hash_seed,
                                    .first_segment = known.first_segment,
                                    .last_segment = known.last_segment});
  if (!run) return std::unexpected(run.error());
  if (run->facts() != known.file)
    return index_damaged(path, "this is another file than the one that MANIFEST names");
  auto checked = run->check();
  if (const auto whole = run->check_pages(); !whole) return std::unexpected(whole.error());
  return checked;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
