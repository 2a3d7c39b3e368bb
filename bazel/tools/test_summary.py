#!/usr/bin/python3
"""Counts the test cases of a Bazel run from its build events, and names what failed.

Cases are counted one by one where the target tells them: GoogleTest's XML, unittest's and
pytest's summaries, or a line "N passed, N failed[, N skipped]" that a script prints. Every other
target counts as one case. A target that does not build counts as one failed case.
"""

import argparse
import collections
import json
import re
import sys
import urllib.parse
import xml.etree.ElementTree

Counts = collections.namedtuple("Counts", "passed failed skipped")

# What a script may print to be counted by its cases; the last such line counts.
_OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
_UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_UNITTEST_RESULT = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
_SKIPPED_LINE = re.compile(r"^SKIPPED: (.*)$", re.MULTILINE)


def count_xml(text):
    """Counts of a GoogleTest report; None if the text is no such report."""
    try:
        root = xml.etree.ElementTree.fromstring(text)
    except xml.etree.ElementTree.ParseError:
        return None
    cases = list(root.iter("testcase"))
    # The XML that Bazel writes for other programs has one case without a class name.
    if root.tag != "testsuites" or not cases or "classname" not in cases[0].attrib:
        return None
    passed = failed = skipped = 0
    for case in cases:
        if case.get("status") == "notrun":
            continue  # Left out by a filter, or DISABLED_.
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return Counts(passed, failed, skipped)


def count_log(text):
    """Counts that a test's output tells; None if it tells none."""
    own = _OWN_LINE.findall(text)
    if own:
        passed, failed, skipped = own[-1]
        return Counts(int(passed), int(failed), int(skipped or 0))
    ran = [int(number) for number in _UNITTEST_RAN.findall(text)]
    if not ran:
        return None
    outcome = collections.Counter()
    for result in _UNITTEST_RESULT.findall(text):
        for item in filter(None, result.split(", ")):
            name, _, number = item.partition("=")
            outcome[name] += int(number) if number.isdigit() else 0
    failed = outcome["failures"] + outcome["errors"] + outcome["unexpected successes"]
    skipped = outcome["skipped"]
    return Counts(max(sum(ran) - failed - skipped, 0), failed, skipped)


def read(path):
    """The text of a file; empty if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def count_result(succeeded, report, log):
    """Counts of one run of a target, made to agree with Bazel's verdict on it."""
    counts = count_xml(report) or count_log(log)
    if counts is None:
        if succeeded:
            return Counts(0, 0, 1) if _SKIPPED_LINE.search(log) else Counts(1, 0, 0)
        return Counts(0, 1, 0)
    if not succeeded and counts.failed == 0:
        # It crashed, timed out, or failed outside its cases, at tear-down for example.
        return counts._replace(failed=1)
    return counts


class Run:
    """What the build events say about the targets of one run."""

    def __init__(self):
        self.results = {}  # (label, run, shard) -> (status, paths by name); the last attempt.
        self.not_built = set()

    def add(self, event):
        identity = event.get("id", {})
        if "testResult" in identity and "testResult" in event:
            key = identity["testResult"]
            result = event["testResult"]
            paths = {
                output["name"]: urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
                for output in result.get("testActionOutput", [])
                if "uri" in output
            }
            self.results[(key["label"], key.get("run", 1), key.get("shard", 1))] = (
                result.get("status", "NO_STATUS"), paths)
        elif "targetCompleted" in identity:
            completed = event.get("completed", {})
            if not completed.get("success", False):
                self.not_built.add(identity["targetCompleted"]["label"])

    def not_built_labels(self):
        """Targets that did not build; a test that ran and failed is none of them."""
        return sorted(self.not_built - {label for label, _, _ in self.results})


def summarize(lines, bazel_status, out):
    """Prints the failures and the line of counts; returns the exit status."""
    run = Run()
    for line in lines:
        try:
            run.add(json.loads(line))
        except ValueError:
            continue  # The last line of a run that was killed may be cut off.
    total = Counts(0, 0, 0)
    failures = []
    for (label, _, _), (status, paths) in sorted(run.results.items()):
        log = paths.get("test.log", "")
        text = read(log)
        counts = count_result(status in ("PASSED", "FLAKY"), read(paths.get("test.xml", "")), text)
        total = Counts(*(a + b for a, b in zip(total, counts)))
        if counts.failed:
            word = "timed out" if status == "TIMEOUT" else "failed"
            failures.append(f"{word}: {label}\n    {log}")
        for reason in _SKIPPED_LINE.findall(text):
            out.write(f"skipped: {label}: {reason}\n")
    for label in run.not_built_labels():
        failures.append(f"did not build: {label}")
        total = total._replace(failed=total.failed + 1)
    if bazel_status not in (0, 3, 4) and not failures:
        failures.append("the build stopped before the tests; see the errors above")
        total = total._replace(failed=total.failed + 1)
    if not run.results and not failures:
        failures.append("no tests were found")
    for failure in failures:
        out.write(failure + "\n")
    line = f"{total.passed} passed, {total.failed} failed"
    out.write(line + (f", {total.skipped} skipped" if total.skipped else "") + "\n")
    return 1 if failures or bazel_status not in (0, 4) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel-status", type=int, default=0, help="exit status of bazel test")
    parser.add_argument("events", help="file that --build_event_json_file wrote")
    arguments = parser.parse_args()
    with open(arguments.events, encoding="utf-8", errors="replace") as lines:
        sys.exit(summarize(lines, arguments.bazel_status, sys.stdout))


if __name__ == "__main__":
    main()
