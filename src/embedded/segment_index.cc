#include "segment_index.h"

#include <algorithm>
#include <array>

#include "varint.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::uint64_t u32_bytes = sizeof(std::uint32_t);
constexpr std::uint64_t near_bytes = 4096;  // either side of where something probably stands

constexpr std::uint64_t parts(std::uint64_t of, std::uint64_t size) noexcept {
  return of / size + (of % size != 0 ? 1 : 0);
}

bool lies_within(const index_section& section, std::uint64_t length) noexcept {
  return section.offset % 8 == 0 && section.offset <= length &&
         section.length <= length - section.offset;
}

bool has_numbers(const index_section& section, std::uint64_t count) noexcept {
  return section.length % u32_bytes == 0 && section.length / u32_bytes == count;
}

// None when the sections are as long as the counts want them to be.
std::string_view problem_of(const segment_index_fields& fields, std::uint64_t length) noexcept {
  constexpr std::uint64_t largest_segment = std::uint64_t{1} << 35U;  // places are u32
  for (const auto& section : {fields.blocks, fields.places, fields.buckets, fields.entries,
                              fields.name_blocks, fields.name_list})
    if (!lies_within(section, length)) return "a section reaches beyond its end";
  if (fields.end % 8 != 0 || fields.end < first_frame_offset || fields.end > largest_segment)
    return "its segment ends where none can";
  if (!has_numbers(fields.blocks, parts(fields.end, crc_block_bytes)))
    return "it has not the CRCs of all blocks";
  if (!has_numbers(fields.places, parts(fields.events, events_per_place)))
    return "it has not the places of its events";
  if (fields.terms > fields.entries.length ||
      !has_numbers(fields.buckets, (std::uint64_t{1} << bucket_bits(fields.terms)) + 1))
    return "it has not the buckets for its terms";
  if (!has_numbers(fields.name_blocks, parts(fields.names, names_per_block)))
    return "it has not the blocks of its names";
  return {};
}

}  // namespace

struct segment_index::entry {
  std::uint64_t hash_bits = 0;
  postings found{};
};

segment_index::segment_index(checked_file file)
    : file_(std::move(file)),
      fields_(file_.fields<segment_index_fields>()),
      bits_(bucket_bits(fields_.terms)),
      width_(place_width(fields_.end)) {}

result<segment_index> segment_index::open(env& environment, const std::string& path,
                                          const segment_identity& identity) {
  auto file = checked_file::open(environment, path, segment_index_magic, identity.store_id);
  if (!file) return std::unexpected(file.error());
  const auto& header = file->header();
  const auto fields = file->fields<segment_index_fields>();
  if (header.first_segment != identity.segment || header.last_segment != identity.segment)
    return file->damaged("it is of segment " + std::to_string(header.first_segment));
  if (fields.salt != identity.salt)
    return file->damaged("it is of another segment with this number: the salts differ");
  if (header.hash_seed != identity.hash_seed)
    return file->damaged("its hashes have another seed than the store's");
  if (const auto problem = problem_of(fields, file->length()); !problem.empty())
    return file->damaged(problem);
  return segment_index(std::move(*file));
}

result<std::span<const std::byte>> segment_index::bytes(const index_section& in,
                                                        std::uint64_t offset,
                                                        std::uint64_t length) const {
  if (offset > in.length || length > in.length - offset)
    return damaged("it speaks of what is behind the end of a section");
  return file_.bytes(in.offset + offset, length);
}

result<std::uint32_t> segment_index::number_at(const index_section& in, std::uint64_t index) const {
  const auto found = bytes(in, index * u32_bytes, u32_bytes);
  if (!found) return std::unexpected(found.error());
  return read_as<std::uint32_t>(found->data());
}

result<std::uint32_t> segment_index::block_crc(std::uint64_t i) const {
  return number_at(fields_.blocks, i);
}

result<std::uint32_t> segment_index::place_near(std::uint64_t ordinal) const {
  auto place = number_at(fields_.places, ordinal / events_per_place);
  if (place && !is_place(*place)) return damaged("an event's place is not in the segment");
  return place;
}

result<segment_index::extent> segment_index::bucket_extent(std::uint64_t number) const {
  const auto ends = bytes(fields_.buckets, number * u32_bytes, 2 * u32_bytes);
  if (!ends) return std::unexpected(ends.error());
  const auto begin = read_as<std::uint32_t>(ends->data());
  const auto end = read_as<std::uint32_t>(ends->data() + u32_bytes);
  if (begin > end || end > fields_.entries.length)
    return damaged("a bucket ends before it begins, or behind the section's end");
  return extent{begin, end - begin};
}

result<std::span<const std::byte>> segment_index::bucket(std::uint64_t number) const {
  const auto where = bucket_extent(number);
  if (!where) return std::unexpected(where.error());
  return bytes(fields_.entries, where->offset, where->length);
}

// False when what stands there is no entry.
bool segment_index::read_entry(byte_reader& from, entry& into) const noexcept {
  auto& found = into.found;
  found = {};
  into.hash_bits = from.bytes_of(sizeof(std::uint16_t));
  const auto head = from.varint();
  found.kind = static_cast<term_kind>(1 + (head / 2) % 4);
  found.count = head / 8;
  if (head % 2 == 1) {
    const auto distance = from.varint();
    if (distance == 0 || distance >= segment()) return false;
    found.link = segment() - distance;
  }
  if (found.kind == term_kind::stream) found.first_version = from.varint();
  found.last = static_cast<std::uint32_t>(from.bytes_of(width_));
  if (found.count > 1) {
    found.distances = from.take(from.varint());
    if (found.count - 1 > found.distances.size()) return false;
  }
  return from.is_good() && found.count > 0 && is_place(found.last);
}

result<void> segment_index::find(term_kind kind, std::uint64_t hash,
                                 std::vector<postings>& out) const {
  const auto there = bucket(bucket_of(hash, bits_));
  if (!there) return std::unexpected(there.error());
  const auto sought = entry_bits_of(hash, bits_);
  entry one;
  for (byte_reader rest(*there); rest.left() > 0;) {
    if (!read_entry(rest, one)) return damaged("an entry of a term makes no sense");
    if (one.hash_bits > sought) break;
    if (one.hash_bits == sought && one.found.kind == kind) out.push_back(one.found);
  }
  return {};
}

// Hashes spread evenly, and so do entries: what stands in a bucket begins near its share of them.
void segment_index::expect(std::uint64_t hash) const noexcept {
  const auto number = bucket_of(hash, bits_);
  const auto& entries = fields_.entries;
  if (!file_.expect(fields_.buckets.offset + number * u32_bytes, 2 * u32_bytes)) {
    if (const auto where = bucket_extent(number))
      file_.expect(entries.offset + where->offset, where->length);
    return;
  }
  const auto share = static_cast<double>(number) / static_cast<double>(std::uint64_t{1} << bits_);
  const auto near = static_cast<std::uint64_t>(share * static_cast<double>(entries.length));
  const auto begin = near - std::min(near, near_bytes);
  file_.expect(entries.offset + begin, std::min(entries.length, near + near_bytes) - begin);
}

result<void> segment_index::places(const postings& of, std::vector<std::uint32_t>& out,
                                   std::uint32_t from) const {
  return decode_places(of, of.count, from, out);
}

result<void> segment_index::newest_places(const postings& of, std::uint64_t most,
                                          std::vector<std::uint32_t>& out) const {
  return decode_places(of, most, 0, out);
}

// They stand from the newest to the oldest.
result<void> segment_index::decode_places(const postings& of, std::uint64_t most,
                                          std::uint32_t from,
                                          std::vector<std::uint32_t>& out) const {
  const auto before = static_cast<std::ptrdiff_t>(out.size());
  byte_reader rest(of.distances);
  std::uint64_t place = of.last;
  for (auto left = std::min<std::uint64_t>(of.count, most); left > 0 && place >= from; --left) {
    out.push_back(static_cast<std::uint32_t>(place));
    if (left == 1) break;
    const auto distance = rest.varint();
    if (distance == 0 || distance > place || !is_place(place - distance))
      return damaged("the places of a term make no sense");
    place -= distance;
  }
  std::reverse(out.begin() + before, out.end());
  return {};
}

result<void> segment_index::check(const entry_visitor& visit) const {
  auto checked = file_.check_all();
  if (checked) checked = check_places();
  if (checked) checked = check_terms(visit);
  if (checked) checked = check_names();
  return checked;
}

result<void> segment_index::check_places() const {
  std::uint32_t before = 0;
  for (std::uint64_t ordinal = 0; ordinal < fields_.events; ordinal += events_per_place) {
    const auto place = place_near(ordinal);
    if (!place) return std::unexpected(place.error());
    if (*place <= before) return damaged("the places of events are out of order");
    before = *place;
  }
  return {};
}

// Every event has one stream, one type and one category.
result<void> segment_index::check_terms(const entry_visitor& visit) const {
  std::array<std::uint64_t, term_kinds> events{};
  std::vector<std::uint32_t> decoded;
  std::uint64_t terms = 0;
  std::uint64_t end = 0;  // of the bucket before
  for (std::uint64_t number = 0; number < std::uint64_t{1} << bits_; ++number) {
    const auto there = bucket(number);
    if (!there) return std::unexpected(there.error());
    if (*number_at(fields_.buckets, number) != end)
      return damaged("its buckets do not begin where they should");
    end += there->size();
    entry one;
    std::uint64_t before = 0;
    for (byte_reader rest(*there); rest.left() > 0; ++terms) {
      if (!read_entry(rest, one) || one.hash_bits < before)
        return damaged("an entry of a term makes no sense");
      before = one.hash_bits;
      decoded.clear();
      if (auto done = places(one.found, decoded); !done) return done;
      events[static_cast<std::size_t>(one.found.kind)] += one.found.count;
      if (!visit) continue;
      if (auto seen = visit(number << 16U | one.hash_bits, one.found, decoded); !seen) return seen;
    }
  }
  for (const auto kind : {term_kind::stream, term_kind::type, term_kind::category})
    if (events[static_cast<std::size_t>(kind)] != fields_.events)
      return damaged("it has not the streams, types and categories of all events");
  if (terms != fields_.terms || end != fields_.entries.length)
    return damaged("it has not the terms that its header speaks of");
  return {};
}

result<void> segment_index::check_names() const {
  name_cursor cursor(*this);
  for (std::uint64_t number = 0; number < fields_.names; ++number) {
    if (number % names_per_block == 0) {
      const auto offset = number_at(fields_.name_blocks, number / names_per_block);
      if (!offset) return std::unexpected(offset.error());
      if (*offset != cursor.offset_) return damaged("a block of names begins elsewhere");
    }
    if (const auto there = cursor.next(); !there) return std::unexpected(there.error());
  }
  if (cursor.offset_ != fields_.name_list.length) return damaged("it has more than its names");
  return {};
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
