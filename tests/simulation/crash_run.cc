#include "crash_run.h"

#include "annals/embedded.h"
#include "workload.h"

namespace annals {
namespace simulated {
namespace {

constexpr std::uint64_t usual_steps = 10;  // of a life; a crash comes within twice that
constexpr const char* root = "/store";

class run {
 public:
  run(const run_plan& plan, const std::function<void(const std::string&)>& tell)
      : plan_(plan), tell_(tell), machine_(plan.seed) {
    if (plan.buffered) machine_.refuse_unbuffered();
  }

  run_report all() {
    for (; report_.life < plan_.lives && report_.problem.empty() && !over_; ++report_.life) {
      prepare();
      live();
      finish();
    }
    stop_watching();
    report_.watched = watcher_.seen();
    report_.appends = oracle_.attempts();
    report_.acknowledged = oracle_.acknowledged();
    report_.events = oracle_.events();
    report_.trace = machine_.trace();
    return report_;
  }

 private:
  enum class end : std::uint8_t { power_cut, kill, close };

  void prepare() {
    lied_ = lied_ || machine_.has_lied();
    if (!machine_.has_power()) {
      lossy_ = lossy_ || plan_.os;
      stop_watching();
      machine_.restore_power();
    }
    if (!watching_) {
      reading_process_ = machine_.start_process();
      watcher_.start(*reading_process_);
      watching_ = true;
    }
    machine_.chances() = {};
    if (plan_.buffered) {
      machine_.chances().cache_kept = static_cast<double>(machine_.draw(3)) / 2;
      if (plan_.faults && machine_.draw(4) == 0) machine_.chances().sync_error = 0.1;
    }
    machine_.set_disk_size(UINT64_MAX);
    process_ = machine_.start_process();
    const auto drawn = machine_.draw(8);
    end_ = drawn < 5 ? end::power_cut : drawn < 7 ? end::kill : end::close;
    // Half of the crashes may come while the store is being opened.
    early_ = machine_.draw(2) == 0;
    if (early_) plan_crash();
  }

  void plan_crash() {
    const auto step = machine_.steps() + 1 + machine_.draw(2 * usual_steps);
    if (end_ == end::power_cut) machine_.cut_power_at(step);
    if (end_ == end::kill) machine_.kill_at(*process_, step);
  }

  bool dead() { return !process_->exists("/"); }

  void live() {
    auto opened = open_embedded(root,
                                {.segment_bytes = plan_.os ? 16U << 10U : 1U << 20U,
                                 .durability = plan_.os ? durability::os : durability::power_loss},
                                *process_);
    if (!opened) {
      if (dead()) return say("died while it was opened");
      if (lied_ && opened.error().code() == errc::store_corrupt) {
        over_ = true;  // the lie was noticed: no more can be asked for
        ++report_.refused_to_open;
        return say("refuses to open: " + opened.error().to_string());
      }
      if (machine_.chances().sync_error > 0 && opened.error().code() != errc::store_corrupt)
        return say("does not open: " + opened.error().to_string());
      return note("opening: " + opened.error().to_string());
    }
    store_ = std::move(*opened);
    auto problem = oracle_.compare(*store_, lied_ || lossy_);
    if (!problem) problem = ledger_.compare(*store_, lied_ || lossy_);
    // A process that dies while it compares has compared nothing.
    if (problem && !dead()) return note(*problem);
    if (!lied_ && !lossy_ && !problem)
      if (const auto wrong = watcher_.compare(oracle_)) return note(*wrong);
    if (!early_) plan_crash();
    if (plan_.faults) draw_faults();
    if (plan_.lies && machine_.draw(4) == 0) machine_.chances().lying_sync = 0.05;
    workload work(machine_, *process_, *store_, oracle_, ledger_, watcher_);
    if (const auto wrong = work.run()) return note(*wrong);
    say("ran to its end");
  }

  void draw_faults() {
    auto& chances = machine_.chances();
    switch (machine_.draw(8)) {
      case 0: chances.write_error = 0.02; break;
      case 1: chances.sync_error = 0.2; break;
      case 2: chances.read_error = 0.05; break;
      case 3: chances.clock_step = 0.05; break;
      case 4: machine_.set_disk_size(machine_.draw(4U << 20U)); break;
      case 5:
      case 6:
        if (plan_.buffered) chances.sync_error = 0.1;
        break;
      default: break;  // a healthy disk
    }
  }

  void finish() {
    // What was planned and has not happened yet happens now.
    if (end_ == end::power_cut && machine_.has_power()) machine_.cut_power();
    if (end_ == end::kill && !dead()) machine_.kill(*process_);
    if (store_) {
      const auto closed = store_->close();
      if (!closed && end_ == end::close && closed.error().code() == errc::store_corrupt)
        note("closing: " + closed.error().to_string());
    }
    store_.reset();
    process_.reset();
    if (end_ == end::power_cut) ++report_.power_cuts;
    if (end_ == end::kill) ++report_.kills;
  }

  // It reads on while writers are killed and come again; a power cut ends it with all others.
  void stop_watching() {
    if (!std::exchange(watching_, false)) return;
    const auto problem = watcher_.stop();
    reading_process_.reset();
    if (problem && !lied_ && !lossy_ && !machine_.has_lied()) note("a reader: " + *problem);
  }

  void note(std::string problem) {
    say(problem);
    if (report_.problem.empty()) report_.problem = std::move(problem);
  }

  void say(const std::string& what) const {
    if (!tell_) return;
    constexpr const char* ends[] = {"a power cut", "a kill", "a close"};
    tell_("life " + std::to_string(report_.life) + ", to end by " +
          ends[static_cast<std::size_t>(end_)] + ": " + what + "; " +
          std::to_string(oracle_.attempts()) + " appends, " +
          std::to_string(oracle_.acknowledged()) + " acknowledged, step " +
          std::to_string(machine_.steps()));
  }

  const run_plan& plan_;
  const std::function<void(const std::string&)>& tell_;
  testing::simulation machine_;
  oracle oracle_{};
  ledger ledger_{};
  watcher watcher_{root};
  std::unique_ptr<env> reading_process_{};
  bool watching_ = false;
  std::unique_ptr<env> process_{};
  std::unique_ptr<event_store> store_{};
  run_report report_{};
  end end_ = end::close;
  bool early_ = false;
  bool lied_ = false;
  bool lossy_ = false;  // the power was cut, and more was acknowledged than flushed
  bool over_ = false;
};

}  // namespace

run_report run_crashes(const run_plan& plan, const std::function<void(const std::string&)>& tell) {
  return run(plan, tell).all();
}

}  // namespace simulated
}  // namespace annals
