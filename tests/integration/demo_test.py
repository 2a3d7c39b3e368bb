"""The demo, as people run it, on the binaries of this build."""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from tests.integration import shop
from tests.integration.shop import HANG_SECONDS

_DEMO = os.path.join(shop.BIN_DIR, "deploy", "demo", "demo.py")


class DemoTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.report = os.path.join(self.folder, "report.json")

    def start(self, *flags):
        return subprocess.Popen(
            [sys.executable, _DEMO, "--bin-dir", shop.BIN_DIR, "--no-prometheus",
             "--json", self.report, *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": self.folder})

    def end(self, demo, code):
        out, errors = demo.communicate(timeout=2 * HANG_SECONDS)
        self.assertEqual(demo.returncode, code, out + errors)
        self.assertEqual(glob.glob(os.path.join(self.folder, "weft-demo-*")), [])
        return out, errors

    def read_until(self, demo, text):
        """What the demo prints up to and with the line that has `text`."""
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        self.fail(f"the demo ended without {text!r}: {lines} {demo.stderr.read()}")

    def processes_of(self, addresses):
        """Command lines that have one of the addresses: whatever the demo has left running."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    command = file.read().decode("utf-8", "replace")
            except OSError:
                continue  # it has just ended
            if self.folder in command or any(address in command for address in addresses):
                found.append(command)
        return found

    def test_ends_by_itself_twice_in_a_row_without_errors(self):
        for _ in range(2):
            out, _ = self.end(self.start("--for", "2s", "--rate", "50", "--concurrency", "8"), 0)
            with open(self.report, encoding="utf-8") as file:
                report = json.load(file)
            self.assertGreater(report["calls"], 0)
            self.assertEqual(report["errors"], 0)
            self.assertEqual(set(report["services"]), {"storefront", "catalog", "pricing"})
            for name, service in report["services"].items():
                self.assertGreater(service["calls"], 0, name)
                self.assertIn(service["admin"] + "/debug/fibers", out)
                self.assertIn(service["admin"] + "/metrics", out)
            self.assertEqual([line for line in out.splitlines() if len(line) > 80], [])
            self.assertEqual(self.processes_of([report["services"]["storefront"]["grpc"]]), [])

    def test_interrupt_ends_it_with_a_report(self):
        demo = self.start("--rate", "50", "--concurrency", "8")
        self.read_until(demo, "calls/s")
        demo.send_signal(signal.SIGINT)
        out, _ = self.end(demo, 0)
        self.assertIn("errors    0", out)

    def test_service_that_dies_is_reported(self):
        demo = self.start("--rate", "50", "--concurrency", "8")
        head = self.read_until(demo, "calls/s")
        address = re.search(r"pricing +gRPC (\S+)", head)[1]
        self.addCleanup(demo.kill)
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if b"/pricing\0" in command and self.is_child_of(path, demo.pid):
                os.kill(int(path.split("/")[2]), signal.SIGKILL)
                break
        else:
            self.fail(f"no pricing at {address}")
        _, errors = self.end(demo, 1)
        self.assertIn("pricing ended with signal SIGKILL", errors)

    @staticmethod
    def is_child_of(cmdline_path, parent):
        with open(os.path.join(os.path.dirname(cmdline_path), "status"), encoding="utf-8") as file:
            return re.search(r"^PPid:\s+(\d+)", file.read(), re.MULTILINE)[1] == str(parent)

    def test_missing_binaries_are_named(self):
        done = subprocess.run([sys.executable, _DEMO, "--bin-dir", self.folder],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=HANG_SECONDS, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not built", done.stderr)


if __name__ == "__main__":
    unittest.main()
