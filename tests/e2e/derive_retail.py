"""Files derived from an Online Retail file: days left out, values changed, columns moved, copies."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from typing import Callable, Iterable, Iterator

from retail_figures import open_text

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
           "CustomerID", "Country"]
Row = dict[str, str]


def rows_of(path: str) -> Iterator[Row]:
    with open_text(path) as text:
        yield from csv.DictReader(text)


def write(path: str, rows: Iterable[Row], columns: list[str] = COLUMNS) -> None:
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def day_of(row: Row) -> str:
    return row["InvoiceDate"].split(" ")[0]


def without_days(rows: Iterable[Row], leave_out: Callable[[str], bool]) -> Iterator[Row]:
    return (row for row in rows if not leave_out(day_of(row)))


def changed(rows: Iterable[Row], seed: int) -> Iterator[Row]:
    """Some prices, customers and quantities changed, zero and negative ones among them."""
    rng = random.Random(seed)
    customers: dict[str, str] = {}
    for row in rows:
        if rng.random() < 0.1:
            row["UnitPrice"] = rng.choice(["0", "0.0", "-1.5", "0.001", "12.345", "7"])
        if rng.random() < 0.1:
            row["Quantity"] = str(rng.choice([0, -3, 1, 17, 2_000_000]))
        # An invoice keeps one customer, as in the real file.
        invoice = row["InvoiceNo"]
        if invoice not in customers:
            customers[invoice] = row["CustomerID"]
            if rng.random() < 0.2:
                customers[invoice] = rng.choice(["", "17850.0", "12346.0", "14646"])
        row["CustomerID"] = customers[invoice]
        yield row


def repeated(path: str, times: int) -> Iterator[Row]:
    """Copies, each with other invoice numbers and its dates moved on, since dates may not go back."""
    span = timedelta(days=400)
    for copy in range(times):
        for row in rows_of(path):
            year, month, day = map(int, day_of(row).split("-"))
            moved = date(year, month, day) + span * copy
            row["InvoiceDate"] = f"{moved} {row['InvoiceDate'].split(' ')[1]}"
            row["InvoiceNo"] = f"{row['InvoiceNo']}{copy:02d}"
            yield row
