#!/usr/bin/python3
"""The table of refusals, row by row: a dialog provokes each and expects its exact text; replies of gw-proxy alone are provoked
by an upstream that misbehaves, in its own test."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class RefusalsTest(unittest.TestCase):
    def test_every_row_has_a_dialog_that_provokes_it(self):
        source = re.sub(r"\s+", " ", (gw.ROOT / "lib/smtp/refusals.cc").read_text())
        source = source.replace('" "', "")
        rows = re.findall(r'RefusalRow\{R::\w+, "([^"]+)", (\d{3}), "([\d.]+)", "([^"]+)"\}', source)
        self.assertEqual(len(rows), source.count("RefusalRow{R::"))
        self.assertGreater(len(rows), 30)
        heard = {line for path in (gw.ROOT / "tests/dialogs").glob("smtp_*.txt") for line in path.read_text().splitlines()}
        proxy = (gw.ROOT / "tests/cmd/proxy_smtp_test.py").read_text()
        said_by_proxy = {"upstream-down", "upstream-down-at-auth", "upstream-lost", "upstream-silent", "copy-trouble",
                         "no-route", "upstream-8bit", "upstream-utf8", "lone-dot"}
        for name, code, enhanced, text in rows:
            with self.subTest(row=name):
                if name in said_by_proxy:
                    self.assertIn(f'"{code} {enhanced}', proxy)
                else:
                    self.assertIn(f"S: {code} {enhanced} {text}", heard)


if __name__ == "__main__":
    gw.main()
