#pragma once

#include <functional>

#include "checked_file.h"
#include "store_fixture.h"

namespace annals {
inline namespace v1 {
namespace embedded {

/// A directory for index files, and short ways to damage them.
class index_fixture : public store_fixture {
 protected:
  static constexpr std::uint64_t hash_seed = 0x5eed;

  index_fixture() : store_fixture(disk::memory) { EXPECT_TRUE(env_->create_directories(root())); }

  std::string path(const std::string& name = "file") const { return root() + '/' + name; }

  /// Flips one bit of every byte of a file and calls `check` with the offset each time.
  void for_each_flip(const std::string& of, const std::function<void(std::uint64_t)>& check) {
    const auto bytes = content(of);
    for (std::uint64_t at = 0; at < bytes.size() && !HasFailure(); ++at) {
      const auto original = bytes[static_cast<std::size_t>(at)];
      const std::byte flipped = original ^ static_cast<std::byte>(1U << (at * 5 + at / 8) % 8);
      overwrite(of, at, {&flipped, 1});
      check(at);
      overwrite(of, at, {&original, 1});
    }
  }
  /// Cuts a file off at lengths from 0 to its own, and calls `check` with each.
  void for_each_cut(const std::string& of, const std::function<void(std::uint64_t)>& check) {
    const auto bytes = content(of);
    for (auto size = bytes.size(); size-- > 0 && !HasFailure();) {
      std::filesystem::resize_file(of, size);
      check(size);
    }
    overwrite(of, 0, bytes);
  }

  /// Changes header, fields and data of a checked file, whose CRCs hold nevertheless.
  template <class Fields>
  void lie(const std::string& in,
           const std::function<void(checked_header&, Fields&, std::vector<std::byte>&)>& change) {
    const auto bytes = content(in);
    auto header = read_as<checked_header>(bytes.data());
    auto fields = read_as<Fields>(bytes.data() + sizeof header);
    const auto begin = bytes.begin() + block_bytes;
    std::vector<std::byte> data(begin, begin + static_cast<std::ptrdiff_t>(header.length));
    change(header, fields, data);
    auto writer = checked_file_writer::create(*env_, in);
    ASSERT_TRUE(writer && writer->add(data) && writer->finish(header, fields));
  }

  /// True for an error of this code that names the file.
  template <class Answer>
  static bool is_refused(const Answer& answer, const std::string& of,
                         errc code = errc::store_corrupt) {
    return !answer && answer.error().code() == code &&
           answer.error().message().find(of) != std::string::npos;
  }

  const uuid store_id_{{7, 7, 7}};
};

}  // namespace embedded
}  // namespace v1
}  // namespace annals
