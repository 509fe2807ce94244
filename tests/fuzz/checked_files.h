#pragma once

#include <string>

#include "embedded/checked_file.h"
#include "store_in_memory.h"

namespace annals {
namespace fuzz {

inline const uuid index_store_id = make_uuid_v4(std::array<std::uint8_t, 16>{7});
inline constexpr std::uint64_t index_hash_seed = 0x5eed;

/// A machine with an empty directory, for index files.
inline std::unique_ptr<env> index_world() {
  auto world = same_world();
  world->create_directories(root).value();
  return world;
}

/// Makes a checked file of an input: its fields, then its data. What cannot be guessed, CRCs and
/// identity, is right; what the fields and the data say stays as it is. Answers false when the
/// input is too short for fields.
template <class Fields>
bool write_checked(env& world, const std::string& path, embedded::checked_header header,
                   std::span<const std::byte> input,
                   const std::function<void(Fields&)>& mend = {}) {
  if (input.size() < sizeof(Fields)) return false;
  auto fields = embedded::read_as<Fields>(input.data());
  if (mend) mend(fields);
  header.store_id = index_store_id;
  header.hash_seed = index_hash_seed;
  auto writer = embedded::checked_file_writer::create(world, path).value();
  writer.add(input.subspan(sizeof(Fields))).value();
  writer.finish(header, fields).value();
  return true;
}

/// Whether it failed as damaged files do, with the path in the message.
template <class Answer>
bool is_damaged(const Answer& answer, const std::string& path) {
  return answer.error().code() == errc::store_corrupt &&
         answer.error().message().find(path) != std::string::npos;
}

}  // namespace fuzz
}  // namespace annals
