// Writes the files of tests/fuzz/corpus that only the real writer can make: write_seeds FOLDER. Run
// it again when the format changes; docs/adr/0025-fuzzing.md.
#include <filesystem>
#include <fstream>

#include "checked_files.h"
#include "embedded/manifest.h"
#include "embedded/run_block.h"
#include "embedded/segment_index_builder.h"

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

/// What stands in a checked file behind its identity: its fields and its data.
template <class Fields>
fuzz::bytes fields_and_data(std::span<const std::byte> file) {
  const auto header = embedded::read_as<embedded::checked_header>(file.data());
  const auto fields = file.subspan(sizeof header, sizeof(Fields));
  const auto content = file.subspan(embedded::block_bytes, header.length);
  fuzz::bytes both(fields.begin(), fields.end());
  both.insert(both.end(), content.begin(), content.end());
  return both;
}

/// A run as its target takes it: fields, then of each block how many slots, which kinds, and those.
fuzz::bytes compact_run(std::span<const std::byte> file) {
  const auto both = fields_and_data<embedded::run_fields>(file);
  fuzz::bytes made(both.begin(), both.begin() + sizeof(embedded::run_fields));
  for (std::span<const std::byte> rest = std::span(both).subspan(made.size()); !rest.empty();
       rest = rest.subspan(embedded::block_bytes)) {
    const embedded::run_block_view block(rest.data());
    made.push_back(static_cast<std::byte>(block.used()));
    made.push_back(static_cast<std::byte>(block.kinds()));
    for (std::size_t i = 0; i < block.used(); ++i) {
      const std::array<std::uint64_t, 2> slot{block.hash(i), block.value(i)};
      const auto bytes = std::as_bytes(std::span(slot));
      made.insert(made.end(), bytes.begin(), bytes.end());
    }
  }
  return made;
}

embedded::segment_index_builder some_segment(std::uint32_t events) {
  embedded::segment_index_builder builder({fuzz::index_store_id, fuzz::index_hash_seed, 5, 42});
  for (std::uint32_t i = 0; i < events; ++i) {
    const std::string_view tags[]{"a:one", "bb:two"};
    const auto n = std::to_string(i % 7);
    const bool first = i < 7;
    builder.add_event({.place = 600 + 50 * i,
                       .stream_key = make_uuid_v5({}, n),
                       .version = 300 + i,
                       .previous = embedded::lsn::at(first ? i % 5 : 5, 4096),
                       .type = 1 + i % 2,
                       .category = 1,
                       .tags = std::span(tags).first(i % 3)});
    if (first)
      builder.add_name(590 + 50 * i, "order-" + (i % 2 == 0 ? make_uuid_v5({}, n).to_string() : n));
  }
  return builder;
}

void write_index_seeds(env& world, const std::string& folder) {
  using namespace embedded;
  const auto path = fuzz::root + "/seed";
  for (const std::uint32_t events : {0U, 3U, 70U}) {
    const auto builder = some_segment(events);
    const std::vector<std::uint32_t> crcs{1};
    const auto link = [](const indexed_term&) -> result<std::uint64_t> { return 3; };
    builder.write(world, path, {.end = 40'000, .first_sequence = 9, .block_crcs = crcs}, link)
        .value();
    const auto name = std::to_string(events) + "_events";
    write_seed(folder + "/segment_index/mended_" + name, "\1",
               fields_and_data<segment_index_fields>(fuzz::read_file(world, path)));
    index_run_builder run;
    for (auto slot : builder.slots()) {
      slot.newest = lsn::at(2, slot.newest.offset());
      run.add(slot);
    }
    run.write(world, path, {fuzz::index_store_id, fuzz::index_hash_seed, 1, 3}).value();
    write_seed(folder + "/index_run/mended_" + name, "\1",
               compact_run(fuzz::read_file(world, path)));
  }
  manifest content{.store_id = fuzz::index_store_id,
                   .segments = {{.number = 1}, {.number = 2, .events = 3}},
                   .runs = {{.first_segment = 1, .last_segment = 1}},
                   .types = {"created", "paid"},
                   .categories = {"order"}};
  write_manifest(world, path, content).value();
  const auto file = fuzz::read_file(world, path);
  fuzz::bytes counts(file.begin() + 56, file.begin() + 88);
  counts.insert(counts.end(), file.begin() + block_bytes, file.end());
  write_seed(folder + "/manifest/mended", "\1", counts);
  write_seed(folder + "/manifest/cut_off", std::string_view("\0", 1), std::span(file).first(80));
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
  write_index_seeds(*world, folder);
}
