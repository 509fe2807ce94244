// Whatever the name: category, key and aggregate id agree with each other.
#include "annals/limits.h"
#include "annals/stream.h"
#include "fuzz.h"

using annals::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto name = annals::fuzz::text_of(data, size);
  const auto checked = annals::check_stream_name(name);
  if (!checked) {
    const auto code = checked.error().code();
    require(code == annals::errc::invalid_argument || code == annals::errc::limit_exceeded,
            "the error is typed");
    return 0;
  }
  require(annals::is_utf8(name), "a name is UTF-8");
  require(size >= 1 && size <= annals::limits::stream_name_bytes, "a name has its length");
  const auto category = annals::category_of(name);
  require(category.find('-') == category.npos, "no category contains a hyphen");
  require(name.starts_with(category), "the category stands in front");
  const auto key = annals::stream_key_of(name);
  const auto aggregate = annals::aggregate_id_of(name);
  if (annals::is_canonical_uuid(name)) {
    require(key.to_string() == name && aggregate == key, "a bare UUID is its own key");
    require(category.empty(), "a bare UUID has no category");
  }
  if (aggregate != key && !category.empty()) {  // "-U" is of the aggregate U, which is named "U"
    require(annals::stream_name_of(category, aggregate) == name,
            "category and aggregate id make the name");
  }
  return 0;
}
