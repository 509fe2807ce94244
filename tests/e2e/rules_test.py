"""The rules of the import, one small file each, with expectations worked out by hand. Both the
program and the independent computation must meet them."""

from __future__ import annotations

import unittest
from decimal import Decimal

from programs import HEADER, MALFORMED, FILE, ProgramTest
from retail_figures import figures

DAY1, DAY2 = "2010-12-01 08:26:00", "2010-12-02 09:00:00"


def line(number="1", code="A", quantity="1", date=DAY1, price="1.5", customer="17850.0", country="UK",
         description="x") -> str:
    return f"{number},{code},{description},{quantity},{date},{price},{customer},{country}\n"


# name: (lines, figures that it must come to)
CASES = {
    "an order is created and paid": (
        [line(quantity="6", price="2.55")],
        {"invoices": 1, "orders": 1, "created": 1, "paid": 1, "items": 1, "events_in_store": 2,
         "gross_revenue": "15.3", "net_revenue": "15.3"}),
    "lines of one invoice need not be adjacent": (
        [line("1"), line("2"), line("1", "B")],
        {"invoices": 2, "created": 2, "items": 3, "gross_revenue": "4.5"}),
    "lines without quantity or price are no items": (
        [line(quantity="0"), line(quantity="-1"), line(price="0"), line(price="-2"), line()],
        {"created": 1, "items": 1, "gross_revenue": "1.5"}),
    "an order without items is rejected": (
        [line(quantity="-1"), line("2", price="0.0")],
        {"orders": 2, "created": 0, "rejected_no_items": 2, "paid": 0, "events_in_store": 0}),
    "a repeated line counts twice": ([line(), line()], {"items": 2, "gross_revenue": "3"}),
    "a credit note cancels the newest order of its customer that has the product": (
        [line("1", "A", price="1"), line("2", "A", price="2"), line("3", "B", price="4"),
         line("C4", "A", "-1", DAY2)],
        {"credit_notes": 1, "cancelled": 1, "unmatched": 0, "gross_revenue": "7", "net_revenue": "5",
         "events_in_store": 7}),
    "an order is cancelled once": (
        [line("1", "A", price="1"), line("2", "A", price="2"), line("C3", "A", "-1", DAY2),
         line("C4", "A", "-1", DAY2), line("C5", "A", "-1", DAY2)],
        {"cancelled": 2, "unmatched": 1, "net_revenue": "0"}),
    "a note without customer never matches": (
        [line(customer=""), line("C2", "A", "-1", DAY2, customer="")],
        {"created": 1, "cancelled": 0, "unmatched": 1}),
    "a note matches its own customer only": (
        [line(customer="1.0"), line("C2", "A", "-1", DAY2, customer="2.0")], {"unmatched": 1}),
    "products match by exact text": (
        [line("1", "85123A"), line("C2", "85123a", "-1", DAY2)], {"unmatched": 1}),
    "only the first line of a note counts": (
        [line("1", "A"), line("C2", "B", "-1", DAY2), line("C2", "A", "-1", DAY2)], {"unmatched": 1}),
    "a line that is no item cannot be matched": (
        [line("1", "A"), line("1", "B", "-1"), line("C2", "B", "-1", DAY2)], {"unmatched": 1}),
    "an order must begin earlier in the file": (
        [line("C1", "A", "-1"), line("2", "A")], {"cancelled": 0, "unmatched": 1}),
    "an order that begins earlier matches with its later lines": (
        [line("1", "A"), line("C2", "B", "-1"), line("1", "B")], {"cancelled": 1}),
    "an adjustment is counted and ignored": (
        [line("A1", price="-11062.06"), line("2")],
        {"invoices": 2, "adjustments": 1, "created": 1, "gross_revenue": "1.5"}),
    "a missing description is fine": ([line(description="")], {"created": 1}),
    "commas, quotes and line ends may stand in quotes": (
        [line(description='"a,b ""c""\nd"', country='"Isle of ""Man"", UK"')], {"created": 1}),
    "money is exact": (
        [line(price="0.001", quantity="3"), line("2", price="1000000", quantity="1000")],
        {"gross_revenue": "1000000000.003"}),
}


class RulesTest(ProgramTest):
    def test_every_rule(self) -> None:
        for number, (name, (lines, wanted)) in enumerate(CASES.items()):
            with self.subTest(name):
                path = self.write(f"{number}.csv", HEADER + "".join(lines))
                self.store = f"file:{self.folder}/{number}"
                printed = self.succeeds(self.orders("import", path, "--json")).json()
                computed = figures(str(path))
                for key, value in wanted.items():
                    self.assertEqual(Decimal(printed[key]), Decimal(value), f"program, {key}")
                    self.assertEqual(Decimal(computed[key]), Decimal(value), f"computation, {key}")

    def test_customer_numbers_lose_their_decimal(self) -> None:
        path = self.write("a.csv", HEADER + line() + line("2", customer=""))
        self.succeeds(self.orders("import", path))
        customers = self.succeeds(self.orders("query", "customers", "--json")).json()
        self.assertEqual(sorted(c["name"] for c in customers), ["(none)", "17850"])

    def test_events_carry_the_date_of_the_invoice(self) -> None:
        path = self.write("a.csv", HEADER + line() + line("C2", "A", "-1", DAY2))
        self.succeeds(self.orders("import", path))
        events = self.history()
        self.assertEqual([e["type"] for e in events], ["order_created", "order_paid", "order_cancelled"])
        self.assertEqual([e["timestamp"] for e in events],
                         ["2010-12-01T08:26:00.000000Z"] * 2 + ["2010-12-02T09:00:00.000000Z"])
        self.assertEqual(events[0]["data"],
                         {"customer": "17850", "country": "UK", "currency": "GBP",
                          "items": [{"product": "A", "quantity": 1, "unit_price": Decimal("1.5")}],
                          "total": Decimal("1.5")})
        self.assertEqual(events[2]["data"], {"reason": "credit note C2"})

    def test_an_order_is_shown_now_and_as_it_was(self) -> None:
        path = self.write("a.csv", HEADER + line() + line("C2", "A", "-1", DAY2))
        self.succeeds(self.orders("import", path))
        at = lambda *when: self.succeeds(self.orders("show", "1", *when, "--json")).json()["status"]
        self.assertEqual(at(), "cancelled")
        self.assertEqual(at("--at", "1"), "created")
        self.assertEqual(at("--at", "2"), "paid")
        self.assertEqual(at("--at", "2010-12-01T08:26:00Z"), "paid")
        self.assertEqual(at("--at", "2010-12-02"), "paid")
        self.assertEqual(at("--at", "2010-12-03"), "cancelled")
        by_id = self.succeeds(self.orders("show", "1", "--json")).json()["order_id"]
        self.assertEqual(self.succeeds(self.orders("show", by_id, "--json")).json()["order_id"], by_id)
        self.fails(self.orders("show", "1", "--at", "2010-11-30"), 3, "no order 1")
        self.fails(self.orders("show", "99"), 3, "no order 99")
        self.fails(self.orders("show", "1", "--at", "yesterday"), 2, "yesterday")
        self.assertIn("order_paid", self.succeeds(self.orders("show", "1")).out)


# name: (bad line, column named, part of the reason)
BAD_LINES = {
    "too few fields": ("3,A,x,1\n", "5", "expected 8 fields, found 4"),
    "too many fields": (line("3")[:-1] + ",y\n", "9", "expected 8 fields, found 9"),
    "unparsable quantity": (line("3", quantity="six"), "Quantity", "'six'"),
    "fractional quantity": (line("3", quantity="1.5"), "Quantity", "'1.5'"),
    "quantity over 64 bits": (line("3", quantity="9223372036854775808"), "Quantity", "64 bits"),
    "empty quantity": (line("3", quantity=""), "Quantity", "''"),
    "unparsable price": (line("3", price="1,5".replace(",", ";")), "UnitPrice", "1;5"),
    "price with an exponent": (line("3", price="1e3"), "UnitPrice", "1e3"),
    "more than three decimals": (line("3", price="1.2345"), "UnitPrice", "more than 3 decimals"),
    "unparsable date": (line("3", date="2010-13-01 08:26:00"), "InvoiceDate", "2010-13-01"),
    "date without time": (line("3", date="2010-12-01"), "InvoiceDate", "2010-12-01"),
    "date of another form": (line("3", date="12/1/2010 8:26"), "InvoiceDate", "12/1/2010"),
    "date going back": (line("3", date="2010-11-30 08:26:00"), "InvoiceDate", "before the line above"),
    "invoice number of no form": (line("B3"), "InvoiceNo", "'B3'"),
    "empty invoice number": (line(""), "InvoiceNo", "''"),
    "invalid UTF-8": (line("3").replace("UK", "U\udcffK"), "8", "not UTF-8"),
    "quote inside a field": (line("3", country='U"K'), "8", "quote inside a field"),
    "quote never closed": (line("3", country='"UK'), "1", "not closed"),
}


class MalformedTest(ProgramTest):
    def file_with(self, bad: str) -> str:
        """A complete day, then a day with the bad line in its middle, then another day."""
        text = (HEADER + line("1") + line("2", date=DAY2) + "BAD" + line("4", date=DAY2)
                + line("5", date="2010-12-03 10:00:00"))
        text = text.replace("BAD", bad.replace(DAY1, DAY2))
        return str(self.write("bad.csv", text.encode("utf-8", "surrogateescape")))

    def test_a_malformed_line_ends_the_import_after_the_last_complete_day(self) -> None:
        for number, (name, (bad, column, reason)) in enumerate(BAD_LINES.items()):
            with self.subTest(name):
                self.store = f"file:{self.folder}/{number}"
                path = self.file_with(bad)
                ended = self.fails(self.orders("import", path, "--json"), MALFORMED, path, "line 4",
                                   f"column {column}", reason)
                self.assertEqual(ended.json()["created"], 1)
                self.assertEqual(ended.json()["events_in_store"], 2)

    def test_skip_bad_leaves_malformed_lines_out_counts_and_lists_them(self) -> None:
        for number, (name, (bad, column, reason)) in enumerate(BAD_LINES.items()):
            with self.subTest(name):
                self.store = f"file:{self.folder}/skip-{number}"
                path = self.file_with(bad)
                done = self.succeeds(self.orders("import", path, "--skip-bad", "--json"))
                self.assertEqual(done.json()["bad_lines"], 1)
                self.assertEqual(done.json()["created"], 4)
                for part in ("left out", "line 4", f"column {column}", reason):
                    self.assertIn(part, done.err)

    def test_a_bad_line_that_begins_a_day_shows_the_day_before_to_be_complete(self) -> None:
        path = self.write("a.csv", HEADER + line("1") + line("2", date=DAY2, quantity="x"))
        ended = self.fails(self.orders("import", path, "--json"), MALFORMED, "line 3", "Quantity")
        self.assertEqual(ended.json()["created"], 1)

    def test_a_missing_column_is_named(self) -> None:
        for column in HEADER.strip().split(","):
            with self.subTest(column):
                path = self.write("a.csv", HEADER.replace(column, "Other"))
                if column == "Description":
                    self.succeeds(self.orders("import", path))
                else:
                    self.fails(self.orders("import", path), MALFORMED, "line 1", column)

    def test_an_empty_file_lacks_its_header(self) -> None:
        self.fails(self.orders("import", self.write("a.csv", "")), MALFORMED, "line 1")

    def test_a_file_that_cannot_be_read_is_named(self) -> None:
        self.fails(self.orders("import", self.folder / "missing.csv"), FILE, "missing.csv", "No such file")
        self.fails(self.orders("import", self.folder), FILE, "is a directory")

    def test_a_gzip_that_was_cut_off_ends_the_import(self) -> None:
        import gzip
        whole = gzip.compress((HEADER + "".join(line(str(n)) for n in range(50_000))).encode())
        path = self.write("cut.csv.gz", whole[: len(whole) // 2])
        self.fails(self.orders("import", path), FILE, "cut.csv.gz")

    def test_a_day_that_is_not_complete_is_not_imported(self) -> None:
        path = self.write("a.csv", HEADER + line("1") + line("2") + "3,broken\n")
        ended = self.fails(self.orders("import", path, "--json"), MALFORMED, "line 4")
        self.assertEqual(ended.json()["events_in_store"], 0)


if __name__ == "__main__":
    unittest.main()
