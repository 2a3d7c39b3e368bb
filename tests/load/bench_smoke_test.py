"""bench.py from end to end, in short runs against the hand-written servers."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT_SECONDS = 50


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_SECONDS, check=False)


def bench(*arguments):
    return run(sys.executable, HERE / "bench.py", "--bin-dir", ROOT, *arguments)


class BenchSmokeTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.json = pathlib.Path(directory.name) / "rows.json"

    def rows(self, *arguments):
        done = bench(*arguments, "--json", self.json)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {row["name"]: row for row in json.loads(self.json.read_text())}
        for name in rows:
            self.assertIn(name, done.stdout)
        return rows, done

    def test_echo_compares_the_raw_servers(self):
        rows, _ = self.rows("echo", "--quick", "--servers=raw_async,raw_sync,raw_callback")
        for server in ("raw_async", "raw_sync", "raw_callback"):
            self.assertGreater(rows[f"echo/10x10/{server}/cpu_per_request"]["value"], 0)
            self.assertGreater(rows[f"echo/10x10/{server}/requests_per_second"]["value"], 0)
        ratio = rows["echo/1x1/raw_sync/cpu_per_request_ratio"]
        self.assertEqual(ratio["ratio_to"], "echo/1x1/raw_async/cpu_per_request")
        self.assertEqual(ratio["runs"], 3)

    def test_sleepers_all_wake(self):
        rows, _ = self.rows("sleepers", "--quick", "--servers=raw_async,raw_callback")
        for server in ("raw_async", "raw_callback"):
            self.assertEqual(rows[f"sleepers/1000x200ms/{server}/errors"]["value"], 0)
            self.assertGreaterEqual(rows[f"sleepers/1000x200ms/{server}/total_time"]["value"], 0.2)

    def test_a_million_fibers_sleep_and_wake(self):
        rows, _ = self.rows("million", "--quick")
        self.assertGreaterEqual(rows["million/10000/total_time"]["value"], 1)
        self.assertGreater(rows["million/10000/cpu_time"]["value"], 0)
        # A page of each stack, at least.
        self.assertGreater(rows["million/10000/peak_memory"]["value"], 10_000 * 4096)

    def test_overload_is_served_with_and_without_admission(self):
        rows, _ = self.rows("overload", "--quick")
        for work in ("compute", "places"):
            self.assertGreater(rows[f"overload/{work}/capacity"]["value"], 0)
            for admission in ("off", "on"):
                prefix = f"overload/{work}/2x/admission_{admission}"
                answered = sum(rows[f"{prefix}/{quantity}"]["value"]
                               for quantity in ("goodput", "turned_away", "too_late"))
                self.assertGreater(answered, 0)

    def test_a_listing_has_every_fiber(self):
        rows, _ = self.rows("listing", "--quick")
        self.assertGreater(rows["listing/1000/longest_turn"]["value"], 0)
        self.assertGreater(rows["listing/1000/seconds"]["value"], 0)

    def test_watched_fibers_are_compared_with_others(self):
        rows, _ = self.rows("watched", "--quick")
        for work in ("switch", "park", "spawn"):
            self.assertGreater(rows[f"watched/{work}/watched/cpu_time"]["value"], 0)
            ratio = rows[f"watched/{work}/watched/cpu_time_ratio"]
            self.assertEqual(ratio["ratio_to"], f"watched/{work}/plain/cpu_time")
            self.assertEqual(ratio["runs"], 3)

    def test_a_server_that_is_not_built_is_named_and_left_out(self):
        with tempfile.TemporaryDirectory() as empty:
            done = run(sys.executable, HERE / "bench.py", "--bin-dir", empty, "echo", "--quick")
        self.assertEqual(done.returncode, 1)
        self.assertIn("//tests/load:weft_echo_server is not built", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


class LoadClientTest(unittest.TestCase):

    def test_an_unreachable_target_is_one_clear_line(self):
        # Port 1 of the loopback: nobody listens there.
        done = run(HERE / "load_client", "--target=127.0.0.1:1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.strip().count("\n"), 0, done.stderr)
        self.assertIn("cannot connect to 127.0.0.1:1", done.stderr)

    def test_an_unknown_method_is_one_clear_line(self):
        done = run(HERE / "load_client", "--target=127.0.0.1:1", "--method=shout")
        self.assertEqual(done.returncode, 1)
        self.assertIn('unknown method "shout"', done.stderr)


if __name__ == "__main__":
    unittest.main()
