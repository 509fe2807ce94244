#include "report.h"

#include "../disk.h"

namespace bench::rivals {

const figure& report::row::best_rival() const {
  return *std::max_element(
      figures.begin() + 1, figures.end(),
      [](const figure& a, const figure& b) { return a.per_second < b.per_second; });
}

void report::print(const figure& one) const {
  std::printf("  %-42s %12.1f %12.1f %14.0f %10.2f\n", one.who.c_str(), one.p50, one.p99,
              one.per_second, one.p50 / raw_.p50);
  std::fflush(stdout);
}

void report::yardsticks(figure raw, double memory_bytes_per_second) {
  raw_ = std::move(raw);
  memory_ = memory_bytes_per_second;
  std::printf("%-44s %12s %12s %14s %10s\n", "", "p50 us", "p99 us", "events/s", "raw writes");
  print(raw_);
  std::printf("  memory read by one core: %.1f GB/s\n", memory_ / 1e9);
}

void report::raw_again(figure raw) {
  raw_at_end_ = std::move(raw);
  std::printf("at the end of the run\n");
  print(raw_at_end_);
}

void report::begin(std::string what, std::string goal) {
  std::printf("%s\n", what.c_str());
  rows_.push_back({std::move(what), std::move(goal)});
}

void report::add(figure one) {
  print(one);
  rows_.back().figures.push_back(std::move(one));
}

void report::end() {
  const auto& last = rows_.back();
  std::printf("  Annals to the best rival: %.2f (%s); goal: %s\n\n", last.ratio(),
              last.best_rival().who.c_str(), last.goal.c_str());
  std::fflush(stdout);
}

void report::remark(const std::string& text) {
  std::printf("  %s\n", text.c_str());
}

std::string report::to_json() const {
  annals::json::writer out;
  out.begin_object().key("raw_write_p50_us").raw(json_number(raw_.p50));
  out.key("raw_write_p99_us").raw(json_number(raw_.p99));
  out.key("raw_write_at_end_p50_us").raw(json_number(raw_at_end_.p50));
  out.key("memory_read_bytes_per_s").raw(json_number(memory_)).key("rows").begin_array();
  for (const auto& each : rows_) {
    out.begin_object().member("name", each.what).member("goal", each.goal);
    out.key("to_best_rival").raw(json_number(each.ratio()));
    out.member("best_rival", each.best_rival().who).key("figures").begin_array();
    for (const auto& one : each.figures) {
      out.begin_object().member("who", one.who).key("p50_us").raw(json_number(one.p50));
      out.key("p99_us").raw(json_number(one.p99));
      out.key("events_per_s").raw(json_number(one.per_second));
      out.key("p50_to_raw_write").raw(json_number(one.p50 / raw_.p50)).end_object();
    }
    out.end_array().end_object();
  }
  return out.end_array().end_object().text();
}

}  // namespace bench::rivals
