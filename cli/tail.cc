#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "annals/terminal.h"
#include "event_lines.h"
#include "interrupts.h"

namespace annals_cli {
namespace {

constexpr std::uint64_t default_lines = 10;       // events
constexpr std::chrono::seconds between_looks{1};  // at whether anybody reads on

struct tail_options {
  std::string stream{};
  bool all = false;
  bool follow = false;
  std::uint64_t lines = default_lines;
  std::uint64_t limit = UINT64_MAX;
  filter_options filter{};
};

std::atomic<std::uint32_t> news{0};  // the main thread parks on it

void tell() {
  ++news;
  annals::posix_env().wake_all(news);
}

/// The newest events, then those that are appended.
class tail_run {
 public:
  tail_run(annals::event_store& store, const tail_options& options, bool json)
      : store_(store), options_(options), json_(json), filter_(options.filter) {}

  annals::result<void> run() {
    auto done = find_start();
    if (done) done = print_more();
    while (done && options_.follow && wants_more()) {
      done = wait();
      if (done && wants_more()) done = print_more();
    }
    return done;
  }
  bool stream_is_there() const { return next_.number > 1; }

 private:
  bool wants_more() const { return !is_interrupted() && printed_ < options_.limit; }

  /// Goes back over as many events as wanted.
  annals::result<void> find_start() {
    const auto head = store_.head();
    if (!head) return std::unexpected(head.error());
    at_ = *head;
    std::optional<std::pair<std::uint64_t, annals::version>> first;
    const auto end = store_.read({.stream = options_.stream,
                                  .last = head->in(0).sequence,
                                  .filter = filter_.filter(),
                                  .direction = annals::direction::backwards,
                                  .limit = options_.lines},
                                 [&](const annals::event_batch& batch) {
                                   for (const auto& view : batch.events)
                                     first = {view.position().sequence, view.version()};
                                   return annals::flow::more;
                                 });
    if (!end) return std::unexpected(end.error());
    next_ = first ? first->second : end->stream_version.next();
    if (first && options_.stream.empty()) first_ = first->first;
    return {};
  }

  annals::result<void> print_more() {
    annals::read_request request{
        .stream = options_.stream, .filter = filter_.filter(), .limit = options_.limit - printed_};
    if (!options_.stream.empty()) {
      request.from = next_;
    } else if (first_ != 0) {
      request.first = std::exchange(first_, 0);
    } else {
      request.after = at_;
    }
    annals::result<void> printed;
    const auto end = store_.read(request, [&](const annals::event_batch& batch) {
      printed_ += batch.events.size();
      printed = print_batch(batch, json_);
      return printed && !is_interrupted() ? annals::flow::more : annals::flow::stop;
    });
    if (!printed) return printed;
    if (!end) return std::unexpected(end.error());
    at_ = end->scanned_to;
    next_ = end->stream_version.next();
    return annals::terminal::flush_output();
  }

  annals::result<void> wait() {
    std::atomic<bool> told{false};
    annals::result<annals::checkpoint> answer;
    const auto waits = store_.notify_past(at_, [&](annals::result<annals::checkpoint> found) {
      answer = std::move(found);
      told = true;
      tell();
    });
    for (auto seen = news.load(); !told && !is_interrupted(); seen = news.load()) {
      if (!is_read()) std::raise(SIGPIPE);
      annals::posix_env().park(news, seen, between_looks);
    }
    if (told && !answer) return std::unexpected(answer.error());
    return {};
  }

  /// False when whoever read the output has gone.
  static bool is_read() {
    pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    return ::poll(&output, 1, 0) <= 0 || (output.revents & POLLERR) == 0;
  }

  annals::event_store& store_;
  const tail_options& options_;
  bool json_;
  event_filter filter_;
  annals::checkpoint at_{};
  std::uint64_t first_ = 0;  // position to begin with; 0: after the checkpoint
  annals::version next_{1};  // of the stream
  std::uint64_t printed_ = 0;
};

annals::result<void> tail(const command_line& line, const tail_options& options) {
  if (options.all && !options.stream.empty())
    return annals::fail(annals::errc::invalid_argument,
                        "say which stream to read, or --all; see annals tail --help");
  if (options.follow) watch_interrupts(&news);
  auto store = open_store(line);
  if (!store) return std::unexpected(store.error());
  tail_run run(**store, options, line.json);
  if (auto done = run.run(); !done) return done;
  if (!options.stream.empty() && !options.follow && !run.stream_is_there())
    return annals::fail(annals::errc::aggregate_not_found,
                        "stream " + options.stream + " has no events in " +
                            annals::terminal::without_password(line.store));
  store->reset();
  end_by_interrupt();
  return {};
}

}  // namespace

void add_tail(annals::arguments::verb& program, command_line& line) {
  auto verb = program.add_verb("tail", "Print the newest events, and with -f those to come");
  const auto options = std::make_shared<tail_options>();
  verb.add_option("STREAM", options->stream, "Name of the stream; without, the whole store");
  verb.add_flag("--all", options->all, "The whole store");
  verb.add_flag("-f,--follow", options->follow, "Go on with what is appended, until interrupted");
  verb.add_option("-n,--lines", options->lines, "Begin with so many of the newest events",
                  {.shows_default = true});
  verb.add_option("--limit", options->limit, "End after so many events in all");
  add_filter_options(verb, options->filter);
  add_common_options(verb, line);
  verb.footer("Example: annals tail -f --type order_paid --json");
  verb.runs([&line, options] { return tail(line, *options); });
}

}  // namespace annals_cli
