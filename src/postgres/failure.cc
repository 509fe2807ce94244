#include "failure.h"

#include <algorithm>
#include <array>

namespace annals {
inline namespace v1 {
namespace postgres {
namespace {

struct meaning {
  std::string_view sqlstate;  // whole, or its class of two characters
  errc code;
  std::string_view advice;
};

// The first that fits. Appendix A of PostgreSQL's manual has the codes.
constexpr std::array meanings{
    meaning{"53100", errc::disk_full, "make room on the server's disk; nothing was stored"},
    meaning{"53300", errc::store_in_use,
            "the server has too many connections; lower the pool's size"},
    meaning{"53", errc::store_in_use, "the server lacks resources; try again"},
    meaning{"40P01", errc::store_in_use, "try again; nothing was stored"},
    meaning{"40001", errc::store_in_use, "try again; nothing was stored"},
    meaning{"55P03", errc::store_in_use,
            "another transaction holds the lock of appends for too long; try again"},
    meaning{"57014", errc::store_in_use,
            "the server's statement_timeout, or a person, ended it; try again, or raise it"},
    meaning{"57P", errc::database_error, "look at the server; the store recovers when it is back"},
    meaning{"08", errc::database_error, "look at the server and the network"},
    meaning{"28", errc::database_error,
            "check the user, and the password (~/.pgpass or PGPASSWORD)"},
    meaning{"3D000", errc::database_error, "check the database's name, or create it"},
    meaning{"42501", errc::database_error,
            "the role lacks a privilege; `annals migrate --roles` prints those needed"},
    meaning{"25006", errc::database_error,
            "the server takes no writes (a standby?); name all hosts in the address"},
    meaning{"42P01", errc::store_corrupt,
            "a table of the store is missing; restore it from a backup, or open with create"},
    meaning{"42703", errc::store_corrupt, "a column of the store is missing; restore it"},
    meaning{"3F000", errc::not_a_store, "the schema is not there; check the address"},
    meaning{"XX001", errc::store_corrupt, "the server found damage; restore from a backup"},
    meaning{"XX002", errc::store_corrupt, "the server found a damaged index; REINDEX it"},
    meaning{"22P05", errc::serialization_error, "the server's encoding cannot hold a character"},
    meaning{"22", errc::serialization_error, "the server refuses the data; nothing was stored"},
    meaning{"54", errc::serialization_error, "the data is over a limit of the server"},
};

/// What libpq says in words alone when it does not trust a server, and what to do then.
struct distrust {
  std::string_view words;
  std::string_view advice;
};

constexpr std::array distrusts{
    distrust{"certificate verify failed",
             "the server's certificate is not signed by the authority in sslrootcert; name there "
             "the certificate of the one that has signed it"},
    distrust{"does not match host name",
             "connect by a name that stands in its certificate, or have it made for this one"},
    distrust{"root certificate file",
             "put the certificate of the server's authority there, or name it with sslrootcert"},
    distrust{"does not support SSL", "turn ssl on in the server's configuration"},
};

/// Advice that fits the words better than their SQLSTATE; empty: none does.
std::string_view advice_on(const failure& problem) noexcept {
  if (!problem.sqlstate.starts_with("08")) return {};
  const auto found = std::ranges::find_if(distrusts, [&](const distrust& one) {
    return problem.message.find(one.words) != std::string::npos;
  });
  return found == distrusts.end() ? std::string_view() : found->advice;
}

const meaning* meaning_of(std::string_view sqlstate) noexcept {
  const auto found = std::ranges::find_if(
      meanings, [&](const meaning& one) { return sqlstate.starts_with(one.sqlstate); });
  return found == meanings.end() ? nullptr : &*found;
}

}  // namespace

bool failure::passing() const noexcept {
  constexpr std::array<std::string_view, 7> some{"40",    "55P03", "57014", "57P03",
                                                 "53300", "25006", "57P01"};
  return std::ranges::any_of(some,
                             [&](std::string_view state) { return sqlstate.starts_with(state); });
}

bool failure::of_data() const noexcept {
  return sqlstate.starts_with("22") || sqlstate.starts_with("54") || sqlstate.starts_with("23");
}

std::string words_of(const failure& problem) {
  if (problem.sqlstate.empty()) return problem.message;
  return problem.message + " (SQLSTATE " + problem.sqlstate + ")";
}

error to_error(const failure& problem, std::string_view doing) {
  const auto* known = meaning_of(problem.sqlstate);
  std::string text = std::string(doing) + ": " + words_of(problem);
  if (known != nullptr) {
    const auto advice = advice_on(problem);
    return {known->code, text + "; " + std::string(advice.empty() ? known->advice : advice)};
  }
  if (problem.lost) text += "; look at the server and the network";
  return {errc::database_error, std::move(text)};
}

}  // namespace postgres
}  // namespace v1
}  // namespace annals
