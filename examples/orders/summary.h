#pragma once

#include <string>
#include <utility>
#include <vector>

#include "annals/json/writer.h"
#include "orders/generate.h"
#include "orders/import.h"
#include "orders/read_models.h"

/// What the verbs print, as lines for a person and as members for a program.
namespace orders {

/// A named figure: number text, and a unit behind it for a person.
struct figure {
  std::string name{};
  std::string number{};
  std::string unit{};
};

std::vector<figure> figures_of(const import_report& report, const read_models& models,
                               std::uint64_t events_in_store);
std::vector<figure> figures_of(const generate_report& report, const read_models& models,
                               std::uint64_t events_in_store);

/// One line each, digits grouped.
void print_figures(const std::vector<figure>& figures);
/// As members of the object that is open, names with underscores.
void write_figures(annals::json::writer& out, const std::vector<figure>& figures);

/// The read models as tables, longest ones cut after `most` lines.
void print_statuses(const read_models& models);
void print_revenue(const std::string& title, const std::string& name, const revenue_by& lines,
                   std::size_t most);
void print_top_customers(const read_models& models, std::size_t most);
void print_orders(const std::vector<std::pair<uuid, order_line>>& lines);

/// The same as JSON values.
void write_statuses(annals::json::writer& out, const read_models& models);
void write_revenue(annals::json::writer& out, const revenue_by& lines);
void write_top_customers(annals::json::writer& out, const read_models& models, std::size_t most);
void write_orders(annals::json::writer& out, const std::vector<std::pair<uuid, order_line>>& lines);

/// Prints the document and a line end.
void print_document(const annals::json::writer& out);

}  // namespace orders
