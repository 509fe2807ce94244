#pragma once

#include <functional>
#include <string>
#include <vector>

#include "index_run.h"
#include "segment_index_layout.h"
#include "segment_sum.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// An event, as a segment index sees it; borrowed.
struct indexed_event {
  std::uint32_t place = 0;
  uuid stream_key{};
  std::uint64_t version = 0;
  lsn previous{};  ///< the stream's event before; none: 0
  std::uint32_t type = 0;
  std::uint32_t category = 0;
  std::span<const std::string_view> tags{};
};

/// A term with all the places that it has in a segment; borrowed.
struct indexed_list {
  term_kind kind{};
  std::span<const std::byte> bytes{};
  std::span<const std::uint32_t> places{};  ///< ascending, at least one
  std::uint64_t first_version = 0;          ///< of a stream
  lsn previous{};                           ///< of a stream: its event before; none: 0
};

/// A term that an index is written for; borrowed.
struct indexed_term {
  term_kind kind{};
  std::uint64_t hash = 0;
  std::span<const std::byte> bytes{};
};

/// What only the segment as a whole tells.
struct sealed_facts {
  std::uint64_t end = 0;  ///< offset behind its seal frame
  std::uint64_t first_sequence = 0;
  std::span<const std::uint32_t> block_crcs{};  ///< of the bytes from 0 to the end
};

/// Answers the newest segment before this one that has a term, 0 when there is none; asked for
/// types, categories and tags.
using earlier_segment = std::function<result<std::uint64_t>(const indexed_term&)>;

/// Collects what stands in a segment and writes its index: event by event, or where the events of
/// each term are known, term by term. The same segment and the same answers of `earlier_segment`
/// give the same bytes, either way.
///
/// Units:   memory: 8 bytes per event and term of it, 64 per term, and the texts of tags and names;
///          while writing 4 more bytes per event and term, and the file.
/// Threads: one.
class segment_index_builder {
 public:
  using hash_function = decltype(&term_hash);

  explicit segment_index_builder(const segment_identity& identity, hash_function hash = &term_hash)
      : identity_(identity), hash_(hash) {}

  /// Takes an event in; in the order of the segment.
  void add_event(const indexed_event& event);
  /// Takes in a term that was not taken in before; and beside all lists the places of all events.
  void add_list(const indexed_list& list);
  void add_places(std::span<const std::uint32_t> events);
  /// Takes in the name item of a stream.
  void add_name(std::uint32_t place, std::string_view name);

  std::uint64_t events() const noexcept { return events_; }
  std::uint64_t terms() const noexcept { return terms_.size(); }

  /// Writes the file; it and its name are durable then.
  ///
  /// Errors:  disk_full, database_error, those of `earlier`.
  result<checked_file_facts> write(env& environment, const std::string& path,
                                   const sealed_facts& facts, const earlier_segment& earlier) const;
  /// What a run says of this segment. Slots are ambiguous when two terms of the segment have one
  /// hash; whether one before has it too, only the runs before tell.
  std::vector<run_slot> slots() const;

 private:
  friend class segment_index_encoding;

  struct term {
    std::uint64_t hash = 0;
    std::uint64_t first_version = 0;
    std::uint64_t bytes_at = 0;  // in texts_
    std::uint32_t link = 0;      // a stream's segment before
    std::uint32_t count = 0;
    std::uint32_t first = 0;  // places
    std::uint32_t last = 0;
    std::uint8_t length = 0;
    term_kind kind{};
  };
  struct posting {
    std::uint32_t term = 0;
    std::uint32_t place = 0;
  };
  struct name {
    std::uint64_t at = 0;  // in texts_
    std::uint32_t place = 0;
    std::uint16_t length = 0;
  };

  std::uint64_t keep(std::span<const std::byte> text);
  std::span<const std::byte> bytes_of(const term& of) const noexcept;
  std::string_view text_of(const name& of) const noexcept;
  term& begin(term_kind kind, std::uint64_t hash, std::span<const std::byte> bytes,
              std::uint32_t place);
  void follow(term& stream, std::uint64_t first_version, lsn previous) const;
  term& note(term_kind kind, std::span<const std::byte> bytes, std::uint32_t place);
  std::uint32_t& table_slot(term_kind kind, std::uint64_t hash, std::span<const std::byte> bytes);
  void grow_table();

  segment_identity identity_;
  hash_function hash_;
  std::uint64_t events_ = 0;
  std::uint32_t last_place_ = 0;
  std::vector<std::uint32_t> places_{};
  std::vector<term> terms_{};
  std::vector<std::uint32_t> table_{};  // open addressing: numbers of terms, counted from 1
  std::vector<posting> postings_{};
  std::vector<name> names_{};
  std::vector<std::byte> texts_{};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
