#include <atomic>
#include <latch>

#include "annals/embedded.h"
#include "store.h"

namespace bench::rivals {
namespace {

template <class T>
T checked(annals::result<T> answer, const char* doing) {
  if (!answer) fail("Annals", doing, answer.error().to_string());
  if constexpr (!std::is_void_v<T>) return std::move(*answer);
}

/// Annals' embedded engine, opened as everybody opens it. It checks the expected version fully, and
/// every CRC on reading.
class embedded final : public annals_store {
 public:
  explicit embedded(const std::string& directory)
      : store_(checked(annals::open_embedded(directory), "opening")) {}
  ~embedded() override { checked(store_->close(), "closing"); }

  bool append(const stream_append& one) override {
    const auto write = write_of(one);
    return is_stored(store_->append(request_of(one, write)));
  }
  std::size_t append_all(std::span<const stream_append> all) override {
    std::latch open(static_cast<std::ptrdiff_t>(all.size()));
    std::atomic<std::size_t> stored = 0;
    for (const auto& one : all) {
      const auto write = write_of(one);
      store_->append(request_of(one, write), [&](annals::result<annals::appended> answer) {
        if (is_stored(answer)) stored.fetch_add(1, std::memory_order_relaxed);
        open.count_down();
      });
    }
    open.wait();
    return stored;
  }
  totals replay(decoder with) override { return read({.filter = {}}, with); }
  totals load(const stream& one, decoder with) override { return read({.stream = one.name}, with); }
  std::optional<stored_event> find(const stream& one, std::uint64_t version) override {
    std::optional<stored_event> found;
    const auto each = [&](const annals::event_batch& some) {
      for (const auto& view : some.events) {
        const auto facts = view.metadata();
        found = {facts.event_id,
                 facts.aggregate_id,
                 facts.version.number,
                 facts.timestamp,
                 facts.event_type,
                 facts.causation_id.value_or(annals::uuid{}),
                 facts.correlation_id.value_or(annals::uuid{}),
                 facts.recorded,
                 facts.position.sequence,
                 {view.payload().begin(), view.payload().end()}};
      }
      return annals::flow::more;
    };
    checked(store_->read({.stream = one.name, .from = {version}, .to = {version}}, each),
            "finding an event");
    return found;
  }

 private:
  static annals::stream_write write_of(const stream_append& one) {
    return {one.to->name, annals::expect::at({one.expected}), one.events};
  }
  static annals::append_request request_of(const stream_append& one,
                                           const annals::stream_write& write) {
    return {.streams = std::span(&write, 1),
            .context = {.correlation_id = one.correlation_id, .causation_id = one.causation_id}};
  }
  static bool is_stored(const annals::result<annals::appended>& answer) {
    if (!answer && answer.error().code() != annals::errc::version_conflict)
      fail("Annals", "an append", answer.error().to_string());
    return answer.has_value();
  }
  totals read(const annals::read_request& what, decoder with) {
    totals sums{.decode = with};
    const auto each = [&](const annals::event_batch& some) {
      for (const auto& view : some.events)
        sums.add(view.version().number, view.type(), view.payload());
      return annals::flow::more;
    };
    checked(store_->read(what, each), "reading");
    return sums;
  }

  std::unique_ptr<annals::event_store> store_;
};

}  // namespace

std::unique_ptr<annals_store> open_annals(const std::string& directory) {
  return std::make_unique<embedded>(directory);
}

}  // namespace bench::rivals
