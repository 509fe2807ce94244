#include "index_check.h"

#include "index_run.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {

// The blocks' CRCs are those of the log as it stands.
result<void> check_segment_index(const std::shared_ptr<const sealed_context>& context,
                                 const sealed_segment& facts) {
  const mapped_segment one(context, facts);
  auto checked = one.open();
  if (checked) checked = one.index().check();
  if (checked) checked = one.check(0, one.end());
  if (checked && xxh3_128({one.data(), one.end()}) != facts.digest)
    return one.damaged(0, "this is not what was sealed, by the digest in MANIFEST");
  if (checked) checked = one.check_pages();
  return checked;
}

result<void> check_run(const sealed_context& context, const known_run& known) {
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
  if (checked) checked = run->check_pages();
  return checked;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
