#include "annals/embedded.h"
#include "annals/testing/conformance.h"

namespace annals {
namespace {

/// One store opened twice: what is written goes to the one that writes, what is read is read from
/// one that was opened read-only beside it. Passing the suite, a reading store shows all that was
/// acknowledged as soon as it was, and nothing else.
class written_and_read final : public event_store {
 public:
  written_and_read(env& world, std::unique_ptr<event_store> writer,
                   std::unique_ptr<event_store> reader)
      : event_store(world, reader->info()),
        writer_(std::move(writer)),
        reader_(std::move(reader)) {}

 private:
  void do_append(const append_request& request, caller, completion<appended> done) override {
    writer_->append(request, std::move(done));
  }
  // Completions have leave to read in their own form only, callers to throw out of their sink.
  void do_read(const read_request& request, sink on_batch, completion<read_end> done) override {
    if (inside_completion()) return reader_->read(request, std::move(on_batch), std::move(done));
    auto end = reader_->read(request, std::move(on_batch));
    complete([done = std::move(done), end = std::move(end)]() mutable { done(std::move(end)); });
  }
  std::unique_ptr<wait_handle> do_notify_past(const checkpoint& seen,
                                              completion<checkpoint> done) override {
    return reader_->notify_past(seen, std::move(done));
  }
  result<std::optional<command_record>> do_find_command(const uuid& command_id) override {
    return reader_->find_command(command_id);
  }
  result<void> do_save_snapshot(const snapshot_write& write) override {
    return writer_->save_snapshot(write);
  }
  result<std::optional<snapshot>> do_load_snapshot(std::string_view stream,
                                                   std::uint64_t shape) override {
    return reader_->load_snapshot(stream, shape);
  }
  result<void> do_retain(std::string_view stream, const retention_change& change) override {
    return writer_->retain(stream, change);
  }
  result<std::vector<stream_info>> do_list_streams(const list_request& request) override {
    return reader_->list_streams(request);
  }
  void do_import(std::span<const history_entry> entries, caller, completion<void> done) override {
    writer_->import(entries, std::move(done));
  }
  result<void> do_read_history(history_sink on_entry) override {
    return reader_->read_history(std::move(on_entry));
  }
  result<checkpoint> do_head() override { return reader_->head(); }
  result<void> do_close() override {
    auto closed = writer_->close();
    auto closed_too = reader_->close();
    return closed ? closed_too : closed;
  }
  void do_lend(const std::atomic<std::uint32_t>&) override {}  // the writer has its own threads

  std::unique_ptr<event_store> writer_;
  std::unique_ptr<event_store> reader_;
};

const bool joined = testing::check_conformance(
    {.name = "reading", .persists = true, .open = [](const std::string& directory, env& world) {
       // Small segments: most of what is read was indexed by the other.
       auto writer = open_embedded(directory, {.segment_bytes = 16U << 10U}, world);
       if (!writer) return writer;
       auto reader = open_embedded(directory, {.read_only = true}, world);
       if (!reader) return reader;
       return result<std::unique_ptr<event_store>>(
           std::make_unique<written_and_read>(world, std::move(*writer), std::move(*reader)));
     }});

}  // namespace
}  // namespace annals
