"""The line of counts at the end of ./weft test agrees with what the tests said."""

import io
import json
import os
import tempfile
import unittest

from bazel.tools import test_summary

_GTEST = """<?xml version="1.0"?>
<testsuites tests="4" failures="1"><testsuite name="A">
<testcase name="Good" status="run" result="completed" classname="A" />
<testcase name="Bad" status="run" result="completed" classname="A"><failure message="x"/></testcase>
<testcase name="Skip" status="run" result="skipped" classname="A"><skipped message="x"/></testcase>
<testcase name="DISABLED_Off" status="notrun" result="suppressed" classname="A" />
</testsuite></testsuites>"""
_BAZEL_XML = '<testsuites><testsuite name="t"><testcase name="t"/></testsuite></testsuites>'


class CountResultTest(unittest.TestCase):

    def test_gtest_report(self):
        self.assertEqual(test_summary.count_result(False, _GTEST, ""), (1, 1, 1))

    def test_unittest_output(self):
        log = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"
        self.assertEqual(test_summary.count_result(False, _BAZEL_XML, log), (2, 2, 1))
        self.assertEqual(
            test_summary.count_result(True, _BAZEL_XML, "Ran 2 tests in 0s\n\nOK\n"), (2, 0, 0))

    def test_line_of_a_script(self):
        log = "3 passed, 0 failed\nsome\n5 passed, 1 failed, 2 skipped\n"
        self.assertEqual(test_summary.count_result(False, _BAZEL_XML, log), (5, 1, 2))

    def test_target_without_cases_counts_as_one(self):
        self.assertEqual(test_summary.count_result(True, _BAZEL_XML, "fine"), (1, 0, 0))
        self.assertEqual(test_summary.count_result(False, "", "Aborted"), (0, 1, 0))
        self.assertEqual(test_summary.count_result(True, "", "SKIPPED: no tool\n"), (0, 0, 1))

    def test_failure_outside_the_cases_counts_as_one(self):
        log = "Ran 2 tests in 0s\n\nOK\n"
        self.assertEqual(test_summary.count_result(False, _BAZEL_XML, log), (2, 1, 0))


class SummarizeTest(unittest.TestCase):

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def result(self, label, status, log):
        path = os.path.join(self._folder.name, label.replace("/", "_") + ".log")
        with open(path, "w", encoding="utf-8") as file:
            file.write(log)
        return {"id": {"testResult": {"label": label, "run": 1, "shard": 1, "attempt": 1}},
                "testResult": {"status": status, "testActionOutput": [
                    {"name": "test.log", "uri": "file://" + path}]}}

    def summarize(self, events, bazel_status):
        out = io.StringIO()
        status = test_summary.summarize(map(json.dumps, events), bazel_status, out)
        return status, out.getvalue().splitlines()

    def test_all_pass(self):
        status, lines = self.summarize([self.result("//a:b", "PASSED", "")], 0)
        self.assertEqual((status, lines), (0, ["1 passed, 0 failed"]))

    def test_failed_target_is_named_with_its_log(self):
        status, lines = self.summarize(
            [self.result("//a:b", "PASSED", ""), self.result("//a:c", "TIMEOUT", "")], 3)
        self.assertEqual(status, 1)
        self.assertEqual(lines[0], "timed out: //a:c")
        self.assertRegex(lines[1], r"^    .*_a:c\.log$")
        self.assertEqual(lines[-1], "1 passed, 1 failed")

    def test_target_that_does_not_build(self):
        events = [{"id": {"targetCompleted": {"label": "//a:d"}}, "completed": {}}]
        self.assertEqual(self.summarize(events, 1),
                         (1, ["did not build: //a:d", "0 passed, 1 failed"]))

    def test_build_that_stops_early(self):
        status, lines = self.summarize([], 2)
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_skipped_part_is_shown_with_its_reason(self):
        log = "SKIPPED: no kubectl: install it\nRan 2 tests in 0s\n\nOK (skipped=1)\n"
        status, lines = self.summarize([self.result("//a:b", "PASSED", log)], 0)
        self.assertEqual((status, lines), (0, ["skipped: //a:b: no kubectl: install it",
                                               "1 passed, 0 failed, 1 skipped"]))


if __name__ == "__main__":
    unittest.main()
