#include "subject.h"

namespace annals {
inline namespace v1 {
namespace testing {
namespace {

std::string unused_directory(const std::string& within, const std::string& name, env& world) {
  std::array<std::uint8_t, 16> random{};
  world.random(random);
  return within + "/annals-" + name + '-' + make_uuid_v4(random).to_string();
}

result<void> remove_all(const std::string& path, env& world) {
  const auto directory = world.is_directory(path);
  if (!directory) return std::unexpected(directory.error());
  if (*directory) {
    const auto names = world.list(path);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names)
      if (auto removed = remove_all(path + '/' + name, world); !removed) return removed;
  }
  return world.remove(path);
}

}  // namespace

std::vector<std::string> heard::texts() const {
  std::vector<std::string> all;
  for (const auto& event : events) all.emplace_back(event.text());
  return all;
}

std::vector<std::uint64_t> heard::versions() const {
  std::vector<std::uint64_t> all;
  for (const auto& event : events) all.push_back(event.metadata().version.number);
  return all;
}

std::vector<std::uint64_t> heard::sequences() const {
  std::vector<std::uint64_t> all;
  for (const auto& event : events) all.push_back(event.metadata().position.sequence);
  return all;
}

subject::subject(const engine& tested, const std::string& within)
    : tested_(tested),
      made_(tested.world ? tested.world() : nullptr),
      world_(made_ ? *made_ : posix_env()),
      directory_(unused_directory(within, tested.name, world_)) {
  world_.create_directories(directory_).value();
}

subject::~subject() {
  store_.reset();
  EXPECT_TRUE(succeeds(remove_all(directory_, world_)));
}

event_store& subject::store() {
  if (!store_) store_ = tested_.open(directory_, world_).value();
  return *store_;
}

void subject::shut() {
  EXPECT_TRUE(succeeds(store().close()));
  store_.reset();
}

void subject::now_and_reopened(const std::function<void()>& check) {
  {
    SCOPED_TRACE("before the store was closed");
    check();
  }
  if (!tested_.persists || ::testing::Test::HasFatalFailure()) return;
  shut();
  SCOPED_TRACE("after the store was opened again");
  check();
}

result<heard> subject::read(const read_request& request) {
  heard all;
  auto end = store().read(request, [&](const event_batch& batch) {
    for (const auto& view : batch.events) all.events.emplace_back(view);
    all.scanned.push_back(batch.scanned_to);
    return flow::more;
  });
  if (!end) return std::unexpected(end.error());
  all.end = std::move(*end);
  return all;
}

heard subject::read_stream(std::string_view name) {
  return read({.stream = name}).value();
}

heard subject::read_store(const read_filter& filter) {
  return read({.filter = filter}).value();
}

checkpoint subject::head() {
  return store().head().value();
}

void subject::pause() {
  const std::atomic<std::uint32_t> nobody{0};
  world_.park(nobody, 0, std::chrono::microseconds(1));
}

void subject::on_threads(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::vector<std::unique_ptr<thread>> running;
  for (std::size_t i = 0; i < count; ++i)
    running.push_back(world_.spawn("conformance", [&body, i] { body(i); }));
  for (const auto& one : running) one->join();
}

}  // namespace testing
}  // namespace v1
}  // namespace annals
