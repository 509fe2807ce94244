#pragma once

#include "orders/import.h"
#include "orders/read_models.h"

namespace orders {

/// Imports with a progress bar, bad lines and refusals told on stderr, and read models that follow.
///
/// Errors:  of the import's start, and of the read models.
annals::result<import_report> run_import(annals::event_store& store, const std::string& path,
                                         bool skip_bad, order_projection& models);

/// The error that an import which ended early, or met refusals, answers with; none when all is
/// well.
annals::result<void> outcome_of(const import_report& report, const std::string& path);

}  // namespace orders
