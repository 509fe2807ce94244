"""The real orders on PostgreSQL come to the same as on the embedded engine."""

from __future__ import annotations

import re
import unittest

from servers import RETAIL, ServersTest, needs_retail

# What the store makes: event ids, positions, recording times.
OWN = ("event_id", "position", "hlc")


class OrdersTest(ServersTest):
    def exported(self, store: str) -> list:
        self.store = store
        lines = self.succeeds(self.annals("export", timeout=300)).lines()
        events = [{k: v for k, v in line.items() if k not in OWN} for line in lines if "stream" in line]
        return sorted(events, key=lambda e: (e["stream"], e["version"]))

    @needs_retail
    def test_figures_models_and_export_are_equal(self) -> None:
        server = self.start("server")
        results = {}
        for name, store in (("file", f"file:{self.folder}/store"), ("server", server)):
            self.store = store
            first = self.succeeds(self.orders("import", RETAIL, "--json", timeout=300)).json()
            second = self.succeeds(self.orders("import", RETAIL, "--json", timeout=300)).json()
            self.assertEqual(second["new_events"], 0)
            results[name] = (first, self.models(), self.exported(store))
        self.assertEqual(results["file"][0], results["server"][0])
        self.assertEqual(results["file"][1], results["server"][1])
        self.assertGreater(len(results["file"][2]), 40_000)
        self.assertEqual(results["file"][2], results["server"][2])

    def test_migrate_makes_a_store_prints_its_scripts_and_its_roles(self) -> None:
        self.store = self.start("server")
        self.assertIn("0005_events", self.succeeds(self.annals("migrate")).out)
        self.assertIn("everything was there", self.succeeds(self.annals("migrate")).out)
        self.assertEqual(self.succeeds(self.annals("migrate", "--json")).json(), {"done": []})
        printed = self.succeeds(self.annals("migrate", "--print")).out
        self.assertEqual(len(re.findall(r"^-- \d{4}_\w+\.sql$", printed, re.M)), 12)
        roles = self.succeeds(self.annals("migrate", "--roles", "app", "report")).out
        self.assertIn('TO "app"', roles)
        self.fails(self.annals("migrate", "--add-partition"), 2, "annals_partition_events")
        self.store += "&annals_schema=ranges&annals_partitions=1&annals_partition_events=100"
        self.succeeds(self.annals("migrate"))
        self.assertIn("events_1 takes positions 101 to 200", self.succeeds(self.annals("migrate", "--add-partition")).out)
        added = self.succeeds(self.annals("migrate", "--add-partition", "--json")).json()
        self.assertEqual(added, {"partition": "events_2", "first": 201, "last": 300})
        self.store = f"file:{self.folder}/store"
        self.fails(self.annals("migrate"), 2, "postgres://")

    def test_verify_says_what_is_wrong(self) -> None:
        self.store = self.start("server")
        self.assertEqual(self.annals("verify").code, 8, "nothing is made")
        for payload in ("1\n", "2\n", "3\n"):
            self.succeeds(self.annals("append", "order-1", "--type", "noted", "--create", input=payload))
        self.assertIn("no damage", self.succeeds(self.annals("verify")).out)
        self.assertEqual(self.succeeds(self.annals("verify", "--json")).json(), {"events": 3, "streams": 1, "damage": []})
        self.sql(self.store, "DELETE FROM annals.events WHERE global_position = 3; INSERT INTO annals.holes VALUES (2, 2, 'no')")
        found = self.fails(self.annals("verify"), 10, "damaged in 1 places", "backup")
        self.assertIn("damage: position 2 is there, in the hole from 2 to 2", found.out)


if __name__ == "__main__":
    unittest.main()
