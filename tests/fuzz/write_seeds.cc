// Writes the files of tests/fuzz/corpus that only the real writer can make: write_seeds FOLDER. Run
// it again when the format changes; docs/adr/0025-fuzzing.md.
#include <filesystem>
#include <fstream>

#include "store_in_memory.h"

using namespace annals;

namespace {

void write_seed(const std::string& path, std::string_view flags, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << flags;
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

/// The frames of the first segment, without the zeros behind them.
std::span<const std::byte> frames_in(std::span<const std::byte> segment) {
  auto end = segment.size();
  while (end > 0 && segment[end - 1] == std::byte{0}) --end;
  end = std::min<std::size_t>(embedded::round_up(end, 8), segment.size());
  return segment.subspan(embedded::first_frame_offset, end - embedded::first_frame_offset);
}

void append_plain(event_store& store) {
  const new_event events[]{{.type = "happened"}, {.type = "ended"}};
  const stream_write write{"order-1", expect::none(), events};
  store.append({.streams = {&write, 1}}).value();
}

void append_all_there_is(event_store& store) {
  const std::string_view payload = R"({"a":1})";
  const std::string_view tags[]{"a:one", "bb:two"};
  const new_event event{
      .type = "happened", .payload = std::as_bytes(std::span(payload)), .tags = tags};
  const stream_write writes[]{{"order-2", expect::none(), {&event, 1}},
                              {"payment-2", expect::none(), {&event, 1}}};
  append_context context{.command_id = make_uuid_v5({}, "command"),
                         .correlation_id = make_uuid_v5({}, "correlation")};
  context.tracestate = "vendor=1";
  context.user_metadata = std::as_bytes(std::span(payload));
  store.append({.streams = writes, .context = context}).value();
}

void save_snapshot(event_store& store) {
  const std::string_view state = "a state";
  store
      .save_snapshot({.stream = "order-1",
                      .shape = 3,
                      .version = {2},
                      .state = std::as_bytes(std::span(state))})
      .value();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::string folder = arguments[1];
  const embedded::store_paths paths{fuzz::root};
  const auto world = fuzz::same_world();
  const auto store = open_embedded(fuzz::root, {.segment_bytes = 1U << 20U}, *world).value();
  const auto keep = [&](const std::string& name) {
    const auto segment = fuzz::read_file(*world, paths.segment(1));
    const std::string_view as_it_is("\0", 1);
    write_seed(folder + "/segment/" + name, as_it_is, frames_in(segment));
    write_seed(folder + "/segment/mended_" + name, "\1", frames_in(segment));
    write_seed(folder + "/frame/mended_" + name, "\1\7", frames_in(segment));
  };
  keep("opened");
  append_plain(*store);
  keep("plain");
  append_all_there_is(*store);
  keep("all_there_is");
  store->retain("order-1", {.truncate_before = version{2}}).value();
  store->retain("payment-2", {.tombstone = true}).value();
  keep("retention");
  save_snapshot(*store);
  store->close().value();
  const auto snapshots = fuzz::read_file(*world, paths.snapshot_file(1));
  write_seed(folder + "/snapshot/mended", "\1",
             std::span(snapshots).subspan(embedded::block_bytes));
}
