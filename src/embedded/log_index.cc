#include "log_index.h"

#include <algorithm>
#include <ranges>

#include "annals/assert.h"

namespace annals {
inline namespace v1 {
namespace embedded {

std::uint32_t dictionary::number_of(std::string_view text) const {
  if (text.empty()) return 0;
  const auto found = numbers_.find(text);
  return found == numbers_.end() ? 0 : found->second;
}

std::uint32_t dictionary::add(std::string_view text) {
  const auto number = next();
  texts_.emplace_back(text);
  numbers_.emplace(texts_.back(), number);
  return number;
}

std::string_view dictionary::text_of(std::uint32_t number) const {
  return number == 0 ? std::string_view{} : std::string_view(texts_[number - 1]);
}

log_index::log_index(std::shared_ptr<const sealed_log> sealed) : sealed_(std::move(sealed)) {
  enter_texts();
}

void log_index::begin_segment(std::shared_ptr<segment> of) {
  recent_.push_back(std::make_shared<recent_segment>(std::move(of)));
}

void log_index::replace_file(std::shared_ptr<segment> of) {
  for (auto& one : recent_)
    if (one->number() == of->number()) return one->set_file(std::move(of));
}

std::vector<std::shared_ptr<recent_segment>> log_index::settle(
    std::shared_ptr<const sealed_log> next) {
  ANNALS_ASSERT(next->segments() >= sealed_->segments(), "what is sealed stays sealed");
  sealed_ = std::move(next);
  enter_texts();
  const auto first_kept = std::ranges::find_if(
      recent_, [&](const auto& one) { return one->number() > sealed_->segments(); });
  std::vector<std::shared_ptr<recent_segment>> dropped(recent_.begin(), first_kept);
  recent_.erase(recent_.begin(), first_kept);
  return dropped;
}

// Numbers are given in the order of the log: the sealed ones come first.
void log_index::enter_texts() {
  const auto enter = [](dictionary& into, const std::vector<std::string>& texts) {
    for (std::size_t i = into.next() - 1; i < texts.size(); ++i) into.add(texts[i]);
  };
  enter(types, sealed_->type_texts());
  enter(categories, sealed_->category_texts());
}

std::uint64_t log_index::last_sequence() const noexcept {
  return recent_.empty() ? sealed_->last_sequence() : recent_.back()->last_sequence();
}

uuid log_index::last_event() const noexcept {
  for (const auto& one : recent_ | std::views::reverse)
    if (one->holds(last_sequence())) return one->event(last_sequence()).id;
  return sealed_->last_event();
}

recent_stream* log_index::find(const uuid& key) const {
  for (const auto& one : recent_ | std::views::reverse)
    if (auto* found = one->find(key)) return found;
  return nullptr;
}

recent_stream& log_index::enter(const uuid& key, const stream_head& older) {
  if (auto* there = active().find(key)) return *there;
  auto& made = active().add_stream(key);
  made.name = older.name;
  made.name_place = older.name_place;
  made.category = older.category;
  made.before = older.newest.number;
  made.previous = older.last;
  made.previous_sequence = older.last_sequence;
  made.previous_id = older.last_id;
  made.older = older.kept;
  made.known = older.known;
  return made;
}

stream_head log_index::head_of(const uuid& key) const {
  stream_head head{.key = key};
  for (const auto& one : recent_ | std::views::reverse) {
    const auto* stream = one->find(key);
    if (stream == nullptr) continue;
    head = {.key = key,
            .name = stream->name,
            .name_place = stream->name_place,
            .category = stream->category,
            .newest = stream->newest(),
            .last = stream->previous,
            .last_sequence = stream->previous_sequence,
            .last_id = stream->previous_id,
            .kept = stream->older,
            .known = stream->known};
    if (const auto* changed = one->find_retention(key, lsn::greatest())) head.kept = *changed;
    if (stream->events.empty()) break;
    head.last = one->newest_of(*stream).place;
    head.last_id = one->newest_of(*stream).id;
    head.last_sequence = one->newest_sequence_of(*stream);
    break;
  }
  return head;
}

const command_entry* log_index::find_command(const uuid& id) const {
  for (const auto& one : recent_ | std::views::reverse)
    if (const auto* found = one->find_command(id)) return found;
  return nullptr;
}

bool log_index::has_retention() const noexcept {
  return sealed_->has_retention() ||
         std::ranges::any_of(recent_, [](const auto& one) { return one->has_retention(); });
}

}  // namespace embedded
}  // namespace v1
}  // namespace annals
