#include "set_aside.h"

#include <algorithm>

#include "log_scan.h"

namespace annals {
inline namespace v1 {
namespace embedded {
namespace {

// Nothing in there is ever replaced, whatever the clock says.
result<std::string> free_path(const store_paths& paths, env& environment, const std::string& begin,
                              std::string_view end) {
  for (auto time = environment.now().time_since_epoch().count();; ++time) {
    std::string path = paths.lost() + '/' + begin + std::to_string(time) + std::string(end);
    const auto there = environment.exists(path);
    if (!there) return std::unexpected(there.error());
    if (!*there) return path;
  }
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// A segment is a stretch of the log that begins at 0.
result<std::string> path_aside(const store_paths& paths, env& environment,
                               const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  if (const auto number = number_in_name(name, ".seg"); number != 0)
    return free_path(paths, environment, std::to_string(number) + "-0-", ".bytes");
  return free_path(paths, environment, name + '-', {});
}

}  // namespace

result<std::string> copy_aside(const store_paths& paths, env& environment, file& from,
                               const segment_header& header, std::uint64_t begin,
                               std::uint64_t end) {
  auto made = environment.create_directories(paths.lost());
  if (!made) return std::unexpected(made.error());
  const auto path =
      free_path(paths, environment,
                std::to_string(header.number) + '-' + std::to_string(begin) + '-', ".bytes");
  if (!path) return std::unexpected(path.error());
  auto copy = environment.open(*path, file_mode::create, write_through::none);
  if (!copy) return std::unexpected(copy.error());
  file_window window(from, header.capacity);
  constexpr std::size_t step = 256U << 10U;
  for (std::uint64_t at = begin; at < end; at += step) {
    const auto bytes =
        window.at(at, static_cast<std::size_t>(std::min<std::uint64_t>(step, end - at)));
    if (!bytes) return std::unexpected(bytes.error());
    if (auto written = (*copy)->write_at(at - begin, *bytes); !written)
      return std::unexpected(written.error());
  }
  made = (*copy)->sync();
  if (made) made = environment.sync_directory(paths.lost());
  if (!made) return std::unexpected(made.error());
  return *path;
}

// The new names are durable before the old ones go for good.
result<std::vector<std::string>> move_aside(const store_paths& paths, env& environment,
                                            const std::vector<std::string>& files) {
  std::vector<std::string> moved;
  if (files.empty()) return moved;
  auto done = environment.create_directories(paths.lost());
  if (!done) return std::unexpected(done.error());
  for (const auto& path : files) {
    auto aside = path_aside(paths, environment, path);
    if (!aside) return std::unexpected(aside.error());
    if (auto renamed = environment.rename(path, *aside); !renamed)
      return std::unexpected(renamed.error());
    moved.push_back(std::move(*aside));
  }
  done = environment.sync_directory(paths.lost());
  if (done) done = environment.sync_directory(folder_of(files.front()));
  if (!done) return std::unexpected(done.error());
  return moved;
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
