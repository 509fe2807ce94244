"""TLS to a server whose certificate the test has made: checked in full, and told when it cannot be trusted."""

from __future__ import annotations

import os
import subprocess
import time
import unittest

from servers import ServersTest

PASSWORD = "not-to-be-told"


class TlsTest(ServersTest):
    @classmethod
    def setUpClass(cls) -> None:
        """One server for all: to make one takes longer than to ask it."""
        super().setUpClass()
        cls.made = cls()
        cls.addClassCleanup(cls.made.doCleanups)
        cls.made.make_server()

    def setUp(self) -> None:
        super().setUp()
        self.place, self.keys, self.root = self.made.place, self.made.keys, self.made.root

    def make_server(self) -> None:
        super().setUp()
        self.keys = self.place / "keys"
        self.keys.mkdir(mode=0o755)
        self.make_authority("ours")
        self.make_authority("another")
        self.make_certificate("server", "ours", "IP:127.0.0.1")
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "postgres:postgres", self.keys], check=True)
        self.root = self.start("server", "ssl=on", f"ssl_cert_file={self.keys}/server.crt", f"ssl_key_file={self.keys}/server.key",
                               "log_connections=on")
        self.sql(self.root, f"CREATE ROLE annals_guarded LOGIN SUPERUSER PASSWORD '{PASSWORD}'")

    def set_tls(self, how: str) -> None:
        self.sql(self.root, f"ALTER SYSTEM SET ssl = {how}")
        self.sql(self.root, "SELECT pg_reload_conf()")
        for _ in range(100):
            if self.sql(self.root, "SHOW ssl") == how:
                return
            time.sleep(0.1)
        self.fail(f"the server did not turn TLS {how}")

    def openssl(self, *words) -> None:
        subprocess.run(["openssl", *map(str, words)], cwd=self.keys, capture_output=True, timeout=60, check=True)

    def make_authority(self, name: str) -> None:
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                     "-out", f"{name}.crt")

    def make_certificate(self, name: str, authority: str, whose: str) -> None:
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a server", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.keys / "whose").write_text(f"subjectAltName={whose}\n", encoding="utf-8")
        self.openssl("x509", "-req", "-days", 2, "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-extfile", "whose", "-out", f"{name}.crt")

    def address(self, host: str = "127.0.0.1", mode: str = "verify-full", authority: str = "ours", password: str = PASSWORD) -> str:
        port = (self.place / "server" / "port").read_text(encoding="utf-8").strip()
        return (f"postgres://annals_guarded:{password}@{host}:{port}/annals?sslmode={mode}"
                f"&sslrootcert={self.keys}/{authority}.crt")

    def refused(self, store: str, *words: str) -> None:
        self.store = store
        done = self.fails(self.annals("append", "order-1", "--type", "noted", "--create", input="{}\n"), 12, *words)
        self.assertNotIn(PASSWORD, done.err + done.out)
        self.assertNotIn("guessed", done.err + done.out)

    def test_a_server_that_is_who_it_says_is_trusted(self) -> None:
        self.store = self.address()
        self.succeeds(self.annals("append", "order-1", "--type", "noted", "--create", input="{}\n"))
        self.assertEqual(len(self.events(self.store)), 1)
        log = (self.place / "server" / "log").read_text(encoding="utf-8")
        ours = [line for line in log.splitlines() if "user=annals_guarded" in line and "application_name=annals" in line]
        self.assertTrue(ours)
        for line in ours:
            self.assertIn("SSL enabled", line)
        told = self.succeeds(self.annals("stat"))
        self.assertNotIn(PASSWORD, told.out + told.err)

    def test_a_server_that_another_authority_has_signed_is_not(self) -> None:
        self.refused(self.address(authority="another"), "certificate verify failed", "sslrootcert")

    def test_nor_one_of_another_name(self) -> None:
        self.refused(self.address(host="localhost"), "localhost", "connect by a name that stands in its certificate")

    def test_nor_is_it_when_there_is_no_authority_to_ask(self) -> None:
        self.refused(self.address(authority="nobody"), "nobody.crt", "does not exist", "name it with sslrootcert")

    def test_a_wrong_password_is_told_without_it(self) -> None:
        self.refused(self.address(password="guessed"), "SQLSTATE 28P01", "check the user, and the password")

    def test_a_server_without_tls_is_refused_by_who_asks_for_it(self) -> None:
        self.addCleanup(self.set_tls, "on")
        self.set_tls("off")
        self.refused(self.address(), "does not support SSL", "turn ssl on")


if __name__ == "__main__":
    unittest.main()
