#pragma once

#include <functional>
#include <string>
#include <vector>

#include "segment_index_layout.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// Where the events of a term stand in one segment.
struct postings {
  term_kind kind{};
  std::uint64_t count = 0;                 ///< events
  std::uint64_t link = 0;                  ///< segment before this one that has the term; 0: none
  std::uint64_t first_version = 0;         ///< of the first event; streams only
  std::uint32_t last = 0;                  ///< place of the last event
  std::span<const std::byte> distances{};  ///< of each place to the one before, from the last on
};

/// What a sealed segment holds and where, without reading it.
///
/// Units:   places are offsets in the segment ÷ 8.
/// Errors:  store_corrupt naming the file and what is wrong, also when its CRCs hold but what it
///          says cannot be; database_error.
/// Threads: any.
class segment_index {
 public:
  /// Maps an index, which must be the one that `identity` says.
  ///
  /// Errors:  also store_too_new.
  static result<segment_index> open(env& environment, const std::string& path,
                                    const segment_identity& identity);

  std::uint64_t segment() const noexcept { return file_.header().first_segment; }
  std::uint64_t end() const noexcept { return fields_.end; }
  std::uint64_t first_sequence() const noexcept { return fields_.first_sequence; }
  std::uint64_t events() const noexcept { return fields_.events; }
  std::uint64_t terms() const noexcept { return fields_.terms; }
  std::uint64_t names() const noexcept { return fields_.names; }
  const checked_file_facts& facts() const noexcept { return file_.facts(); }
  result<void> check_pages() const { return file_.check_pages(); }

  /// CRC blocks of the segment.
  std::uint64_t blocks() const noexcept { return fields_.blocks.length / sizeof(std::uint32_t); }
  /// The CRC of the block number `i`, counted from 0; which the segment must have.
  result<std::uint32_t> block_crc(std::uint64_t i) const;
  /// The place of the event at or before the event number `ordinal`, counted from 0, whose number
  /// is a multiple of 64; the segment must have the event.
  result<std::uint32_t> place_near(std::uint64_t ordinal) const;

  /// Appends what stands under a hash to `out`: usually nothing or one. What is found may be of
  /// another term, whose hash begins alike: events are to be compared.
  ///
  /// Cost:    two pages, and those over which places of other terms of the bucket stretch.
  result<void> find(term_kind kind, std::uint64_t hash, std::vector<postings>& out) const;
  /// Appends the places, ascending, that are not before `from`; looks at none before it but one.
  result<void> places(const postings& of, std::vector<std::uint32_t>& out,
                      std::uint32_t from = 0) const;
  /// Asks for what `find` will look at, as far as that can be said without looking; returns at
  /// once.
  void expect(std::uint64_t hash) const noexcept;
  /// Appends the newest ones, `most` of them, ascending.
  result<void> newest_places(const postings& of, std::uint64_t most,
                             std::vector<std::uint32_t>& out) const;

  /// Gets an entry, the highest bits of its term's hash, as many as `hash_bits` says, and its
  /// places, ascending.
  using entry_visitor = std::function<result<void>(std::uint64_t hash, const postings& of,
                                                   std::span<const std::uint32_t> places)>;
  unsigned hash_bits() const noexcept { return bits_ + 16; }

  /// Checks every byte, and that what they say fits together; shows all entries, ascending by their
  /// hashes, to `visit`, when there is one.
  ///
  /// Errors:  also those of `visit`.
  result<void> check(const entry_visitor& visit = {}) const;

 private:
  friend class name_cursor;
  struct entry;

  explicit segment_index(checked_file file);

  result<void> decode_places(const postings& of, std::uint64_t most, std::uint32_t from,
                             std::vector<std::uint32_t>& out) const;

  result<std::span<const std::byte>> bytes(const index_section& in, std::uint64_t offset,
                                           std::uint64_t length) const;
  result<std::uint32_t> number_at(const index_section& in, std::uint64_t index) const;
  struct extent {
    std::uint64_t offset = 0;  // in the section of entries
    std::uint64_t length = 0;
  };
  result<extent> bucket_extent(std::uint64_t number) const;
  result<std::span<const std::byte>> bucket(std::uint64_t number) const;
  bool read_entry(class byte_reader& from, entry& into) const noexcept;
  bool is_place(std::uint64_t place) const noexcept {
    return place >= first_place && place < fields_.end / 8;
  }
  result<void> check_places() const;
  result<void> check_terms(const entry_visitor& visit) const;
  result<void> check_names() const;
  std::unexpected<error> damaged(std::string_view what) const { return file_.damaged(what); }

  checked_file file_;
  segment_index_fields fields_;
  unsigned bits_;      // of a hash that tell the bucket
  std::size_t width_;  // bytes of a place
};

/// Goes through the names in a segment index, ascending by bytes.
///
/// Errors:  those of segment_index.
/// Threads: one; the index must live longer.
class name_cursor {
 public:
  explicit name_cursor(const segment_index& index) : index_(index) {}

  /// Goes to the first name that is not before `text`; false when there is none.
  result<bool> seek(std::string_view text);
  /// Goes to the next name, at first the first; false when there is none.
  result<bool> next();

  const std::string& name() const noexcept { return name_; }
  std::uint32_t place() const noexcept { return place_; }  ///< of the name item

 private:
  friend class segment_index;

  result<void> go_to_block(std::uint64_t block);
  bool read(class byte_reader& from);

  const segment_index& index_;
  std::uint64_t number_ = 0;  // of the next name
  std::uint64_t offset_ = 0;  // of it, in the list
  std::string name_{};
  std::uint32_t place_ = 0;
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
