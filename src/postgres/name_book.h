#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "annals/uuid.h"
#include "connection.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// How the names of a category's streams are told. Stored numbers.
enum class naming : std::int16_t {
  by_id = 0,      ///< category-U, or U where the category is empty
  by_key = 1,     ///< anything: the aggregate_id is the stream key, the name is looked up
  hyphen_id = 2,  ///< -U
};

/// A category as it is stored.
struct category {
  std::int32_t id = 0;
  std::string name{};
  naming names = naming::by_id;
};

/// How a stream's name is stored: its category, and the aggregate_id.
struct stream_place {
  uuid key{};
  uuid aggregate_id{};
  std::string_view category{};
  naming names = naming::by_id;
};
stream_place place_of(std::string_view name) noexcept;
/// The name of a stream that is told by its aggregate_id.
std::string name_of(const category& in, const uuid& aggregate_id);

/// What is known of categories and of the names of streams that cannot be told from their ids.
///
/// Threads: any.
class name_book {
 public:
  explicit name_book(const std::string& schema);

  std::optional<category> find(std::int32_t id);
  std::optional<std::int32_t> find(std::string_view name, naming names);
  std::optional<std::string> name_of_key(const uuid& key);
  void remember_name(const uuid& key, std::string name);
  /// Forgets everything: the server may be another one now.
  void forget();

  /// Reads all categories anew.
  outcome<void> load(connection& on, clock_reading deadline);
  /// Makes a category where it is not there yet; commits at once, since an append that is refused
  /// leaves no harm in it.
  outcome<std::int32_t> make(connection& on, std::string_view name, naming names,
                             clock_reading deadline);
  /// Looks up the names of streams by their keys.
  outcome<void> load_names(connection& on, std::span<const uuid> keys, clock_reading deadline);

 private:
  void remember(category one);

  statement all_;
  statement make_;
  statement names_;
  std::mutex mutex_{};
  std::unordered_map<std::int32_t, category> by_id_{};
  std::map<std::pair<std::string, naming>, std::int32_t, std::less<>> by_name_{};
  std::unordered_map<uuid, std::string> names_by_key_{};
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
