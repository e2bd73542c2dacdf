#!/usr/bin/python3
"""Checks how the programs are built, so that a bug in them is hard to exploit."""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

PROGRAMS = sorted(path for path in gw.BIN.glob("gw-*") if path.is_file())


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, str(path)], check=True, capture_output=True, text=True).stdout


class HardeningTest(unittest.TestCase):
    def test_there_are_programs_to_check(self):
        self.assertGreaterEqual(len(PROGRAMS), 5)

    def test_position_independent(self):
        for path in PROGRAMS:
            self.assertIn("DYN (Position-Independent Executable file)", readelf("-h", path), path)

    def test_relocations_are_read_only_before_main(self):
        for path in PROGRAMS:
            self.assertIn("GNU_RELRO", readelf("-l", path), path)
            self.assertRegex(readelf("-d", path), r"\(FLAGS\) +BIND_NOW", path)

    def test_no_segment_is_both_writable_and_executable(self):
        for path in PROGRAMS:
            segments = readelf("-l", path)
            self.assertRegex(segments, r"GNU_STACK .* RW +0x", path)
            self.assertEqual([line for line in segments.splitlines() if re.search(r"LOAD .* RWE ", line)], [], path)

    def test_no_library_is_searched_for_in_other_places(self):
        for path in PROGRAMS:
            self.assertNotRegex(readelf("-d", path), r"R(UN)?PATH", path)

    def test_stacks_are_guarded_and_buffer_sizes_are_checked(self):
        for path in PROGRAMS:
            symbols = readelf("--dyn-syms", path)
            self.assertIn("__stack_chk_fail", symbols, path)
            self.assertRegex(symbols, r"__\w+_chk@", path)
            # Where the C library has a checked form of a function, that form must be called (the C++ library takes the address of
            # vsnprintf).
            unchecked = re.findall(r"UND (snprintf|syslog|sprintf|strcpy|strcat)@", symbols)
            self.assertEqual(unchecked, [], path)

    def test_own_functions_begin_with_a_branch_target(self):
        if subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip() != "x86_64":
            self.skipTest("another architecture")
        for path in PROGRAMS:
            code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--disassemble=main", path], check=True,
                                  capture_output=True, text=True).stdout
            self.assertRegex(code, r"<main>:\n +[0-9a-f]+:\s+endbr64", path)

    def test_branch_targets_are_marked_if_those_of_the_system_are(self):
        # The linker marks (CET) the executable only if every object is marked, also crt1.o of the C library. That of Debian 12 is
        # not.
        start = subprocess.run(["cc", "-print-file-name=Scrt1.o"], check=True, capture_output=True, text=True).stdout.strip()
        possible = "IBT" in readelf("-n", start)
        for path in PROGRAMS:
            self.assertEqual("IBT" in readelf("-n", path), possible, path)


if __name__ == "__main__":
    gw.main()
