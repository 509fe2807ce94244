#include <algorithm>
#include <numeric>

#include "annals/assert.h"
#include "segment_index_builder.h"
#include "varint.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// The sections of an index, made from what its builder has collected.
class segment_index_encoding {
 public:
  segment_index_encoding(const segment_index_builder& from, const sealed_facts& facts)
      : from_(from), facts_(facts), width_(place_width(facts.end)) {}

  result<void> encode(const earlier_segment& earlier) {
    group_places();
    encode_names();
    return encode_terms(earlier);
  }
  result<checked_file_facts> write(checked_file_writer to) const;

 private:
  using builder = segment_index_builder;

  void group_places();
  result<void> encode_terms(const earlier_segment& earlier);
  result<std::uint64_t> link_of(const builder::term& of, const earlier_segment& earlier) const;
  void append_entry(std::uint32_t number, std::uint64_t link, unsigned bits);
  void encode_names();
  void append_name(std::string_view before, std::string_view name, std::uint32_t place);

  const builder& from_;
  const sealed_facts& facts_;
  std::size_t width_;                    // bytes of a place
  std::vector<std::uint32_t> begins_{};  // of each term in grouped_; one more at the end
  std::vector<std::uint32_t> grouped_{};
  std::vector<std::byte> distances_{};  // of one entry
  std::vector<std::uint32_t> buckets_{};
  std::vector<std::byte> entries_{};
  std::uint64_t names_ = 0;
  std::vector<std::uint32_t> name_blocks_{};
  std::vector<std::byte> name_list_{};
};

// The places of each term together; they came in ascending order and stay so.
void segment_index_encoding::group_places() {
  begins_.reserve(from_.terms_.size() + 1);
  std::uint32_t begin = 0;
  for (const auto& each : from_.terms_) {
    begins_.push_back(begin);
    begin += each.count;
  }
  begins_.push_back(begin);
  grouped_.resize(from_.postings_.size());
  auto ends = begins_;
  for (const auto& each : from_.postings_) grouped_[ends[each.term]++] = each.place;
}

result<std::uint64_t> segment_index_encoding::link_of(const builder::term& of,
                                                      const earlier_segment& earlier) const {
  if (of.kind == term_kind::stream) return of.link;
  const auto link = earlier({of.kind, of.hash, from_.bytes_of(of)});
  ANNALS_ASSERT(!link || *link < from_.identity_.segment, "an earlier segment has a lower number");
  return link;
}

void segment_index_encoding::append_entry(std::uint32_t number, std::uint64_t link, unsigned bits) {
  const auto& of = from_.terms_[number];
  append_bytes_of(entries_, entry_bits_of(of.hash, bits), sizeof(std::uint16_t));
  const auto kind = static_cast<std::uint64_t>(of.kind) - 1;
  append_varint(entries_, std::uint64_t{of.count} * 8 + kind * 2 + (link != 0 ? 1 : 0));
  if (link != 0) append_varint(entries_, from_.identity_.segment - link);
  if (of.kind == term_kind::stream) append_varint(entries_, of.first_version);
  append_bytes_of(entries_, of.last, width_);
  if (of.count == 1) return;
  distances_.clear();
  for (auto i = begins_[number + 1] - 1; i > begins_[number]; --i)
    append_varint(distances_, grouped_[i] - grouped_[i - 1]);
  append_varint(entries_, distances_.size());
  entries_.insert(entries_.end(), distances_.begin(), distances_.end());
}

result<void> segment_index_encoding::encode_terms(const earlier_segment& earlier) {
  const auto& terms = from_.terms_;
  std::vector<std::uint32_t> order(terms.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto comes_before = [&](std::uint32_t a, std::uint32_t b) {
    const auto key = [&](std::uint32_t i) {
      return std::tuple(terms[i].hash, terms[i].first, terms[i].kind);
    };
    if (key(a) != key(b)) return key(a) < key(b);
    return std::ranges::lexicographical_compare(from_.bytes_of(terms[a]), from_.bytes_of(terms[b]));
  };
  std::ranges::sort(order, comes_before);
  const auto bits = bucket_bits(terms.size());
  const auto begin_buckets_to = [&](std::uint64_t last) {
    while (buckets_.size() <= last) buckets_.push_back(static_cast<std::uint32_t>(entries_.size()));
  };
  for (const auto number : order) {
    begin_buckets_to(bucket_of(terms[number].hash, bits));
    const auto link = link_of(terms[number], earlier);
    if (!link) return std::unexpected(link.error());
    append_entry(number, *link, bits);
  }
  begin_buckets_to(std::uint64_t{1} << bits);
  ANNALS_ASSERT(entries_.size() <= UINT32_MAX, "no index is larger than the largest segment");
  return {};
}

void segment_index_encoding::append_name(std::string_view before, std::string_view name,
                                         std::uint32_t place) {
  uuid id{};
  bool packed = false;
  if (name.size() >= uuid_text_bytes) {
    const auto ending = name.substr(name.size() - uuid_text_bytes);
    const auto parsed = uuid::parse(ending);
    packed = parsed && parsed->to_string() == ending;
    if (packed) {
      id = *parsed;
      name.remove_suffix(uuid_text_bytes);
    }
  }
  const auto shared =
      static_cast<std::size_t>(std::ranges::mismatch(before, name).in2 - name.begin());
  const auto further = name.substr(shared);
  append_varint(name_list_, shared);
  append_varint(name_list_, further.size() * 2 + (packed ? 1 : 0));
  const auto bytes = std::as_bytes(std::span(further));
  name_list_.insert(name_list_.end(), bytes.begin(), bytes.end());
  if (packed) {
    const auto id_bytes = term_bytes(id);
    name_list_.insert(name_list_.end(), id_bytes.begin(), id_bytes.end());
  }
  append_bytes_of(name_list_, place, width_);
}

void segment_index_encoding::encode_names() {
  auto names = from_.names_;
  std::ranges::sort(names, [&](const builder::name& a, const builder::name& b) {
    const auto order = from_.text_of(a) <=> from_.text_of(b);
    return order != 0 ? order < 0 : a.place < b.place;
  });
  std::string_view before;
  for (const auto& each : names) {
    const auto text = from_.text_of(each);
    if (text == before) continue;
    const bool begins_block = names_++ % names_per_block == 0;
    if (begins_block) name_blocks_.push_back(static_cast<std::uint32_t>(name_list_.size()));
    append_name(begins_block ? std::string_view{} : before, text, each.place);
    before = text;
  }
}

result<checked_file_facts> segment_index_encoding::write(checked_file_writer to) const {
  segment_index_fields fields{.salt = from_.identity_.salt,
                              .end = facts_.end,
                              .first_sequence = facts_.first_sequence,
                              .events = from_.events_,
                              .terms = from_.terms_.size(),
                              .names = names_};
  constexpr std::array<std::byte, 8> zeros{};
  const auto add = [&](index_section& section, std::span<const std::byte> bytes) -> result<void> {
    section = {to.length(), bytes.size()};
    auto added = to.add(bytes);
    if (added) added = to.add(std::span(zeros).first(padded(bytes.size()) - bytes.size()));
    return added;
  };
  auto done = add(fields.blocks, std::as_bytes(facts_.block_crcs));
  if (done) done = add(fields.places, std::as_bytes(std::span(from_.places_)));
  if (done) done = add(fields.buckets, std::as_bytes(std::span(buckets_)));
  if (done) done = add(fields.entries, entries_);
  if (done) done = add(fields.name_blocks, std::as_bytes(std::span(name_blocks_)));
  if (done) done = add(fields.name_list, name_list_);
  if (!done) return std::unexpected(done.error());
  const auto& identity = from_.identity_;
  return to.finish({.magic = segment_index_magic,
                    .store_id = identity.store_id,
                    .first_segment = identity.segment,
                    .last_segment = identity.segment,
                    .hash_seed = identity.hash_seed},
                   fields);
}

result<checked_file_facts> segment_index_builder::write(env& environment, const std::string& path,
                                                        const sealed_facts& facts,
                                                        const earlier_segment& earlier) const {
  ANNALS_ASSERT(facts.block_crcs.size() == (facts.end + crc_block_bytes - 1) / crc_block_bytes,
                "there is a CRC for each block");
  segment_index_encoding encoding(*this, facts);
  if (auto encoded = encoding.encode(earlier); !encoded) return std::unexpected(encoded.error());
  auto file = checked_file_writer::create(environment, path);
  if (!file) return std::unexpected(file.error());
  return encoding.write(std::move(*file));
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
