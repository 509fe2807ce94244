#include "checked_file.h"

#include <algorithm>

#include "crc32c.h"
#include "segment.h"
#include "xxh3.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

constexpr std::size_t buffer_bytes = 1U << 20U;
constexpr std::size_t crc_offset = block_bytes - sizeof(std::uint32_t);
static_assert(buffer_bytes % checked_page_bytes == 0);

// The last page of the data counts as if zeros followed.
std::uint32_t crc_of_page(std::span<const std::byte> page) noexcept {
  static constexpr std::array<std::byte, checked_page_bytes> zeros{};
  return crc32c(crc32c(0, page), std::span(zeros).subspan(page.size()));
}

std::uint64_t pages_in(std::uint64_t length) noexcept {
  return length / checked_page_bytes + (length % checked_page_bytes != 0 ? 1 : 0);
}

// Of a length that a file states, hence perhaps of any.
bool fits(std::uint64_t length, std::uint64_t size) noexcept {
  return length <= size &&
         size == block_bytes + padded(length) + pages_in(length) * sizeof(std::uint32_t);
}

result<void> check_header(const checked_header& header, const std::string& path,
                          std::span<const std::byte, block_bytes> block, const file_magic& magic,
                          const uuid& store_id) {
  if (header.magic != magic) return index_damaged(path, "this is another kind of file");
  if (header.version > format_version || header.incompatible != 0)
    return index_too_new(path, header.version);
  if (!header_block_holds(block)) return index_damaged(path, "the CRC of the header does not hold");
  if (header.store_id != store_id)
    return index_damaged(path, "the file belongs to store " + header.store_id.to_string() +
                                   ", not to " + store_id.to_string());
  return {};
}

}  // namespace

std::unexpected<error> index_damaged(const std::string& path, std::string_view what) {
  return fail(errc::store_corrupt, path + ": " + std::string(what) +
                                       "; it can be made again from the log: annals repair");
}

std::unexpected<error> index_too_new(const std::string& path, std::uint32_t version) {
  return fail(errc::store_too_new,
              path + " has format version " + std::to_string(version) +
                  " or features from a later one, this program knows version " +
                  std::to_string(format_version) + "; use a newer program");
}

checked_file_writer::checked_file_writer(env& environment, std::string path,
                                         std::unique_ptr<file> made)
    : env_(&environment), path_(std::move(path)), file_(std::move(made)) {
  buffer_.reserve(buffer_bytes);
}

result<checked_file_writer> checked_file_writer::create(env& environment, const std::string& path) {
  const auto temporary = path + ".tmp";
  const auto left_over = environment.exists(temporary);
  if (!left_over) return std::unexpected(left_over.error());
  if (*left_over)
    if (auto removed = environment.remove(temporary); !removed)
      return std::unexpected(removed.error());
  auto made = environment.open(temporary, file_mode::create, write_through::none);
  if (!made) return std::unexpected(made.error());
  return checked_file_writer(environment, path, std::move(*made));
}

result<void> checked_file_writer::add(std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto part = data.first(std::min(data.size(), buffer_bytes - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    data = data.subspan(part.size());
    if (buffer_.size() == buffer_bytes)
      if (auto flushed = flush(); !flushed) return flushed;
  }
  return {};
}

result<void> checked_file_writer::flush() {
  for (std::span<const std::byte> rest = buffer_; !rest.empty();) {
    const auto page = rest.first(std::min(rest.size(), checked_page_bytes));
    table_.push_back(crc_of_page(page));
    rest = rest.subspan(page.size());
  }
  auto written = file_->write_at(block_bytes + written_, buffer_);
  written_ += buffer_.size();
  buffer_.clear();
  return written;
}

result<checked_file_facts> checked_file_writer::finish_with(checked_header header,
                                                            std::span<const std::byte> fields) {
  header.length = length();
  buffer_.resize(buffer_.size() + padded(header.length) - header.length);  // their CRC is the same
  if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
  const auto table = std::as_bytes(std::span(table_));
  header.table_crc = crc32c(0, table);
  aligned_bytes block(block_bytes);
  std::ranges::fill(block.bytes(), std::byte{0});
  write_as(block.data(), header);
  copy_bytes(block.data() + sizeof header, fields);
  write_as(block.data() + crc_offset, crc32c(0, block.bytes().first(crc_offset)));
  auto done = file_->write_at(block_bytes + written_, table);
  if (done) done = file_->write_at(0, block.bytes());
  if (done) done = file_->sync();
  if (done) done = env_->rename(path_ + ".tmp", path_);
  if (done) done = env_->sync_directory(path_.substr(0, path_.rfind('/')));
  if (!done) return std::unexpected(done.error());
  return checked_file_facts{block_bytes + written_ + table.size(), xxh3_64(0, block.bytes())};
}

checked_file::checked_file(std::string path, checked_file_facts facts,
                           std::unique_ptr<mapping> mapped)
    : path_(std::move(path)),
      facts_(facts),
      mapped_(std::move(mapped)),
      header_(read_as<checked_header>(mapped_->bytes().data())),
      table_at_(block_bytes + padded(header_.length)),
      checked_(std::make_unique<std::atomic<std::uint64_t>[]>(
          pages_in(header_.length) / pages_per_word + 1)) {}

result<checked_file> checked_file::open(env& environment, const std::string& path,
                                        const file_magic& magic, const uuid& store_id) {
  const auto opened = environment.open(path, file_mode::read, write_through::none);
  if (!opened) return std::unexpected(opened.error());
  const auto size = (*opened)->size();
  if (!size) return std::unexpected(size.error());
  if (*size < block_bytes)
    return index_damaged(path, "the file is cut off: it has " + std::to_string(*size) + " bytes");
  auto mapped = (*opened)->map(*size);
  if (!mapped) return std::unexpected(mapped.error());
  // And no more: the system would read ahead. The table is at the end, four bytes for each page.
  (*mapped)->expect(0, block_bytes);
  const auto table = *size / checked_page_bytes * sizeof(std::uint32_t) + block_bytes;
  (*mapped)->expect(*size - std::min(*size, table), static_cast<std::size_t>(table));
  if (auto there = (*mapped)->fetch(0, block_bytes); !there) return std::unexpected(there.error());
  const auto block = (*mapped)->bytes().first<block_bytes>();
  const auto header = read_as<checked_header>(block.data());
  if (auto right = check_header(header, path, block, magic, store_id); !right)
    return std::unexpected(right.error());
  if (!fits(header.length, *size))
    return index_damaged(path, "the file has " + std::to_string(*size) +
                                   " bytes, which is not what its header says: " +
                                   std::to_string(header.length) + " of data");
  checked_file found(path, {*size, xxh3_64(0, block)}, std::move(*mapped));
  const auto behind = block_bytes + header.length;
  if (auto there = found.mapped_->fetch(behind, *size - behind); !there)
    return std::unexpected(there.error());
  const auto rest = found.mapped_->bytes().subspan(behind);
  const auto padding = found.table_at_ - behind;
  if (crc32c(0, rest.subspan(padding)) != header.table_crc)
    return found.damaged("the CRC of its table does not hold");
  if (std::ranges::any_of(rest.first(padding), [](std::byte b) { return b != std::byte{0}; }))
    return found.damaged("the padding behind its data is not zero");
  return found;
}

result<void> checked_file::check(std::uint64_t page, std::uint64_t end) const {
  const auto from = page * checked_page_bytes;
  const auto length = std::min(end * checked_page_bytes, header_.length) - from;
  if (auto there = mapped_->fetch(block_bytes + from, length); !there) return there;
  const auto* const table = mapped_->bytes().data() + table_at_;
  for (; page < end; ++page) {
    const auto at = page * checked_page_bytes;
    const auto bytes = data().subspan(at, std::min(header_.length - at, checked_page_bytes));
    if (crc_of_page(bytes) != read_as<std::uint32_t>(table + page * sizeof(std::uint32_t)))
      return damaged("the CRC of the 4,096 bytes at offset " + std::to_string(block_bytes + at) +
                     " does not hold");
    checked_[page / pages_per_word].fetch_or(std::uint64_t{1} << page % pages_per_word,
                                             std::memory_order_relaxed);
  }
  return {};
}

result<void> checked_file::check_all() const {
  constexpr std::uint64_t at_once = buffer_bytes / checked_page_bytes;
  const auto end = pages_in(header_.length);
  for (std::uint64_t page = 0; page < end; page += at_once)
    if (auto checked = check(page, std::min(page + at_once, end)); !checked) return checked;
  return {};
}

std::unexpected<error> checked_file::beyond_end(std::uint64_t offset, std::uint64_t length) const {
  return damaged("it speaks of " + std::to_string(length) + " bytes at " + std::to_string(offset) +
                 " of its data, which has " + std::to_string(header_.length));
}

std::unexpected<error> checked_file::damaged(std::string_view what) const {
  return index_damaged(path_, what);
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
