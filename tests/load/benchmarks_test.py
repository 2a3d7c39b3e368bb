"""The statistics and the parsing behind the measurements, without running any server."""

import argparse
import json
import pathlib
import re
import sys
import tempfile
import unittest

from benchmarks import echo, h2load, micro, processes, rows, servers


class QuantileTest(unittest.TestCase):

    def test_median_of_odd_and_even_counts(self):
        self.assertEqual(rows.median([3, 1, 2]), 2)
        self.assertEqual(rows.median([4, 1, 2, 3]), 2.5)

    def test_quartiles_lie_between_neighbours(self):
        self.assertEqual(rows.quantile([1, 2, 3, 4, 5], 0.25), 2)
        self.assertEqual(rows.quantile([1, 2, 3, 4], 0.75), 3.25)

    def test_one_value_is_every_quantile(self):
        for fraction in (0, 0.25, 1):
            self.assertEqual(rows.quantile([7], fraction), 7)

    def test_nothing_has_no_quantile(self):
        with self.assertRaises(ValueError):
            rows.quantile([], 0.5)


class RatioTest(unittest.TestCase):

    def test_drift_that_both_share_leaves_the_ratio_alone(self):
        base = [10.0, 20.0, 40.0, 10.0]
        values = [value * 0.6 for value in base]
        row, = rows.ratio_row("case/weft/cpu", values, "case/raw/cpu", base)
        self.assertEqual(row.name, "case/weft/cpu_ratio")
        self.assertEqual(row.ratio_to, "case/raw/cpu")
        self.assertEqual(row.unit, "ratio")
        self.assertEqual(row.runs, 4)
        for value in (row.value, row.min, row.max):
            self.assertAlmostEqual(value, 0.6)

    def test_pairs_without_a_base_are_left_out(self):
        self.assertEqual(rows.pair_ratios([1, 2], [0, 4]), [0.5])
        self.assertEqual(rows.ratio_row("a", [1], "b", [0]), [])
        self.assertEqual(rows.ratio_quartile_rows("a", [1], "b", [0]), [])

    def test_unpaired_values_are_refused(self):
        with self.assertRaises(ValueError):
            rows.pair_ratios([1, 2], [1])


class OutputTest(unittest.TestCase):

    def test_json_rows_have_exactly_the_agreed_keys(self):
        text = rows.to_json([rows.summary_row("a/b", [2, 1, 3], "us"), rows.Row("c", 1, "s")])
        parsed = json.loads(text)
        for row in parsed:
            self.assertEqual(
                list(row), ["name", "value", "unit", "ratio_to", "min", "max", "runs"])
        self.assertEqual(parsed[0]["value"], 2)
        self.assertIsNone(parsed[1]["min"])

    def test_numbers_keep_four_digits(self):
        self.assertEqual(rows.format_number(0.55123), "0.5512")
        self.assertEqual(rows.format_number(12.3456), "12.35")
        self.assertEqual(rows.format_number(123456.7), "123,457")
        self.assertEqual(rows.format_number(0), "0")
        self.assertEqual(rows.format_number(None), "")

    def test_every_base_of_a_shape_is_a_row(self):
        slices = echo.Slices()
        slices.add(0.1, {"requests": 10_000, "requests_per_s": 5e4, "p50_us": 90, "p99_us": 200})
        table = echo.shape_rows("echo/1x1", {"raw_async": slices, "raw_sync": slices})
        names = {row.name for row in table}
        self.assertEqual(len(names), len(table))
        self.assertIn("echo/1x1/raw_sync/cpu_per_request_ratio", names)
        self.assertLessEqual({row.ratio_to for row in table if row.ratio_to}, names)
        self.assertEqual(table[0].name, "echo/1x1/raw_async/cpu_per_request")
        self.assertAlmostEqual(table[0].value, 10)


class ParsingTest(unittest.TestCase):

    def test_shapes(self):
        self.assertEqual(echo.parse_shapes("1x1,100x10"), [(1, 1), (100, 10)])
        for text in ("", "0x1", "10", "1x", "1x1x1"):
            with self.assertRaises(argparse.ArgumentTypeError):
                echo.parse_shapes(text)

    def test_unknown_servers_are_refused(self):
        self.assertEqual(servers.parse_names("raw_async,raw_sync"), ["raw_async", "raw_sync"])
        with self.assertRaises(argparse.ArgumentTypeError):
            servers.parse_names("raw_asink")

    def test_google_benchmark_repetitions_become_one_row_each_quantity(self):
        entry = {"run_name": "BM_Yield", "run_type": "iteration", "time_unit": "ns"}
        report = {"benchmarks": [
            dict(entry, name="BM_Yield", cpu_time=10, real_time=11),
            dict(entry, name="BM_Yield", cpu_time=12, real_time=13),
            dict(entry, name="BM_Yield_mean", run_type="aggregate", cpu_time=11, real_time=12),
        ]}
        cpu, real = micro.benchmark_rows("fiber_benchmark", report)
        self.assertEqual((cpu.name, cpu.value, cpu.min, cpu.max, cpu.runs, cpu.unit),
                         ("micro/fiber_benchmark/BM_Yield/cpu_time", 11, 10, 12, 2, "ns"))
        self.assertEqual(real.value, 12)

    def test_failed_calls_end_the_measurement(self):
        report = {"requests": 9, "errors": {"UNAVAILABLE": 3}, "last_error": "gone"}
        with self.assertRaisesRegex(processes.BenchError, "raw: of 9 calls .*3 UNAVAILABLE.*gone"):
            servers.require_success("raw", report)


class H2LoadTest(unittest.TestCase):
    def test_message_is_framed_as_on_the_wire(self):
        self.assertEqual(h2load.grpc_message(3), b"\x00\x00\x00\x00\x05\x0a\x03xxx")
        self.assertEqual(h2load.grpc_message(0), b"\x00\x00\x00\x00\x00")
        long = h2load.grpc_message(300)  # a length of two bytes
        self.assertEqual(long[:8], b"\x00\x00\x00\x01\x2f\x0a\xac\x02")
        self.assertEqual(len(long), 5 + 303)

    def test_percentile_is_a_value_that_occurred(self):
        self.assertEqual(h2load.percentile([1, 2, 3, 4], 0.5), 2)
        self.assertEqual(h2load.percentile([1, 2, 3, 4], 0.99), 4)
        self.assertEqual(h2load.percentile([7], 0.5), 7)

    def test_reads_times_in_any_unit_and_counts_successes(self):
        text = "finished in 1.50ms, 6 req/s\nrequests: 9 total, 9 done, 8 succeeded, 1 failed"
        self.assertEqual(h2load.H2Load.parse(text), (0.0015, 8))
        with self.assertRaisesRegex(processes.BenchError, "unexpected"):
            h2load.H2Load.parse("nothing of the kind")


class ProcessTest(unittest.TestCase):

    def start(self, running, code):
        return running.start_child("child", [sys.executable, "-c", code])

    def test_a_child_that_dies_is_reported_with_what_it_said(self):
        with processes.Processes() as running:
            child = self.start(running, "import sys; sys.exit('no such flag')")
            with self.assertRaisesRegex(processes.BenchError, "(?s)status 1.*no such flag"):
                child.read_line(20)

    def test_children_are_killed_at_the_end(self):
        with processes.Processes() as running:
            child = self.start(running, "print('up', flush=True); import time; time.sleep(600)")
            self.assertEqual(child.read_line(20), "up")
            self.assertTrue(child.alive())
        self.assertFalse(child.alive())

    def test_the_cpu_clock_counts_the_work_of_threads_that_ended(self):
        code = ("import threading; t = threading.Thread(target=lambda: sum(range(3_000_000)));"
                "t.start(); t.join(); print('done', flush=True); input()")
        with processes.Processes() as running:
            child = self.start(running, code)
            before = child.cpu_seconds()
            child.read_line(60)
            self.assertGreater(child.cpu_seconds(), before)
            self.assertGreater(child.peak_rss_bytes(), 1_000_000)

    def test_a_program_that_is_not_built_is_named_with_its_remedy(self):
        with tempfile.TemporaryDirectory() as directory:
            with self.assertRaises(processes.BenchError) as caught:
                processes.require_binary(pathlib.Path(directory), "//tests/load:load_client")
        self.assertTrue(re.search(r"not built .*weft build", str(caught.exception)))


if __name__ == "__main__":
    unittest.main()
