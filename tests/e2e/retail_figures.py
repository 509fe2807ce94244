#!/usr/bin/env python3
"""The figures of an Online Retail file, computed a second time and independently.

retail_figures.py FILE prints, as one JSON object, what importing FILE into an empty store comes to.
It is written from the rules in docs/orders.md alone and shares nothing with the program: money is
counted in integers of 1/1000, dates are compared as text.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class Invoice:
    number: str
    date: str
    customer: str
    country: str
    first_stock_code: str
    items: list[tuple[str, int, int]] = field(default_factory=list)
    cancelled: bool = False

    @property
    def total(self) -> int:
        return sum(quantity * price for _, quantity, price in self.items)


def open_text(path: str) -> io.TextIOBase:
    with open(path, "rb") as probe:
        zipped = probe.read(2) == b"\x1f\x8b"
    raw = gzip.open(path, "rb") if zipped else open(path, "rb")
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def thousandths(text: str) -> int:
    return int(Decimal(text) * 1000)


def read_invoices(path: str) -> list[Invoice]:
    """The invoices in the order of their first lines."""
    invoices: list[Invoice] = []
    by_key: dict[tuple[str, str], Invoice] = {}
    with open_text(path) as text:
        for row in csv.DictReader(text):
            key = (row["InvoiceNo"], row["InvoiceDate"].split(" ")[0])
            invoice = by_key.get(key)
            if invoice is None:
                customer = row["CustomerID"].removesuffix(".0")
                invoice = Invoice(key[0], row["InvoiceDate"], customer, row["Country"], row["StockCode"])
                by_key[key] = invoice
                invoices.append(invoice)
            quantity, price = int(row["Quantity"]), thousandths(row["UnitPrice"])
            if quantity > 0 and price > 0:
                invoice.items.append((row["StockCode"], quantity, price))
    return invoices


def find_cancelled(orders_of: dict[str, list[Invoice]], note: Invoice) -> Invoice | None:
    if not note.customer:
        return None
    for order in reversed(orders_of.get(note.customer, [])):
        if not order.cancelled and any(code == note.first_stock_code for code, _, _ in order.items):
            return order
    return None


def decimal_text(units: int) -> str:
    return f"{Decimal(units) / 1000:f}"


def figures(path: str) -> dict:
    count = dict.fromkeys(
        ["invoices", "orders", "created", "rejected_no_items", "paid", "credit_notes", "cancelled",
         "unmatched", "adjustments", "items", "events_in_store"], 0)
    orders_of: dict[str, list[Invoice]] = {}
    created: list[Invoice] = []
    for invoice in read_invoices(path):
        count["invoices"] += 1
        if invoice.number.startswith("A"):
            count["adjustments"] += 1
        elif invoice.number.startswith("C"):
            count["credit_notes"] += 1
            order = find_cancelled(orders_of, invoice)
            if order is None:
                count["unmatched"] += 1
            else:
                order.cancelled = True
                count["cancelled"] += 1
                count["events_in_store"] += 1
        else:
            count["orders"] += 1
            if not invoice.items:
                count["rejected_no_items"] += 1
                continue
            count["created"] += 1
            count["paid"] += 1
            count["items"] += len(invoice.items)
            count["events_in_store"] += 2
            created.append(invoice)
            orders_of.setdefault(invoice.customer, []).append(invoice)

    def revenue(key) -> list[dict]:
        lines: dict[str, list[int]] = {}
        for order in created:
            line = lines.setdefault(key(order), [0, 0])
            if not order.cancelled:
                line[0] += 1
                line[1] += order.total
        return [{"name": name, "orders": line[0], "revenue": decimal_text(line[1])}
                for name, line in sorted(lines.items())]

    return count | {
        "gross_revenue": decimal_text(sum(o.total for o in created)),
        "net_revenue": decimal_text(sum(o.total for o in created if not o.cancelled)),
        "status": {"created": 0, "paid": sum(not o.cancelled for o in created), "shipped": 0,
                   "delivered": 0, "cancelled": sum(o.cancelled for o in created)},
        "countries": revenue(lambda o: o.country),
        "days": revenue(lambda o: o.date.split(" ")[0]),
        "customers": revenue(lambda o: o.customer or "(none)"),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: retail_figures.py FILE")
    json.dump(figures(sys.argv[1]), sys.stdout, indent=1)
    print()
