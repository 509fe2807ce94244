#include "event_lines.h"

#include <cstdio>

#include "annals/stream.h"
#include "annals/terminal.h"

namespace annals_cli {
namespace {

std::vector<std::string_view> views_of(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

void print_event(const annals::event_view& view) {
  const auto header = view.header();
  const bool is_text = view.codec() == annals::codec::json && annals::is_utf8(view.text());
  std::printf("%s  %s  %s@%llu  %s  %s\n", view.position().to_string().c_str(),
              annals::to_rfc3339(header.timestamp).c_str(),
              annals::terminal::printable(view.stream_name()).c_str(),
              static_cast<unsigned long long>(view.version().number),
              annals::terminal::printable(view.type()).c_str(),
              is_text ? annals::terminal::printable(view.text()).c_str()
                      : ("base64 " + to_base64(view.payload())).c_str());
}

}  // namespace

void add_filter_options(annals::arguments::verb& verb, filter_options& options) {
  verb.add_option("--type", options.types, "Only events of this type; may be repeated");
  verb.add_option("--category", options.categories,
                  "Only streams of this category; may be repeated");
  verb.add_option("--tag", options.tags,
                  "Only events with this tag (key:value); all of them when repeated");
}

event_filter::event_filter(const filter_options& options)
    : types_(views_of(options.types)),
      categories_(views_of(options.categories)),
      tags_(views_of(options.tags)),
      item_{.types = types_, .tags = tags_} {}

annals::read_filter event_filter::filter() const {
  annals::read_filter wanted{.categories = categories_};
  if (!types_.empty() || !tags_.empty()) wanted.matching.items = std::span(&item_, 1);
  return wanted;
}

annals::result<void> print_batch(const annals::event_batch& batch, bool json) {
  annals::json::writer out;
  for (const auto& view : batch.events) {
    if (json) {
      out.clear();
      write_event(out, view);
      if (auto printed = print_line(out); !printed) return printed;
    } else {
      print_event(view);
    }
  }
  return check_output();
}

}  // namespace annals_cli
