"""./weft fuzz without clang: its targets, its arguments, and what it reads of libFuzzer."""

import argparse
import pathlib
import unittest

from tests.fuzz import fuzz
from tests.layering import source_tree

_LOG = """\
INFO: Seed: 1
#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb
#4096\tpulse  cov: 40 ft: 80 corp: 9/120b lim: 4 exec/s: 2048 rss: 31Mb
"""
_END = """\
#9000\tDONE   cov: 41 ft: 90 corp: 10/130b lim: 8 exec/s: 2250 rss: 31Mb
stat::number_of_executed_units: 9000
"""
_CRASH = """\
artifact_prefix='/x/'; Test unit written to /x/crash-da39a3
stat::number_of_executed_units: 8000
"""


class FuzzTest(unittest.TestCase):

    def test_each_target_has_a_corpus_and_each_corpus_a_target(self):
        top = pathlib.Path(source_tree.root())
        paths = source_tree.files(str(top))
        targets = fuzz.find_targets(top, [path for path in paths if path.endswith("/BUILD")])
        corpora = {path.split("/")[3] for path in paths if path.startswith("tests/fuzz/corpus/")}
        self.assertEqual(set(targets), corpora)
        self.assertEqual(targets["config"], "//platform/app:config_fuzz")

    def test_times(self):
        self.assertEqual([fuzz.parse_seconds(text) for text in ("90", "90s", "5m", "1h")],
                         [90, 90, 300, 3600])
        for bad in ("", "0s", "-1", "1.5m", "5 m", "1d"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=bad):
                fuzz.parse_seconds(bad)

    def test_result_of_a_quiet_run(self):
        self.assertEqual(fuzz.read_result(_LOG + _END), fuzz.Result(9000, 41, 90, 10, None))

    def test_result_of_a_finding(self):
        self.assertEqual(fuzz.read_result(_LOG + _CRASH),
                         fuzz.Result(8000, 40, 80, 9, pathlib.Path("/x/crash-da39a3")))

    def test_arguments(self):
        targets = {"config": "//a:config_fuzz", "jwt": "//b:jwt_fuzz"}
        self.assertEqual(fuzz.parse_arguments([], targets).targets, ["config", "jwt"])
        self.assertEqual(fuzz.parse_arguments(["jwt", "--for", "2m"], targets).seconds, 120)
        for bad in (["http"], ["--replay", "x"], ["jwt", "--replay", "/no/such/file"]):
            with self.assertRaises(SystemExit, msg=str(bad)):
                fuzz.parse_arguments(bad, targets)


if __name__ == "__main__":
    unittest.main()
