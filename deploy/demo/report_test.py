"""Tests of report.py and prometheus.py: what fits the terminal, and what is asked for."""

import contextlib
import io
import os
import types
import unittest

from deploy.demo import metrics, prometheus, report


def service(name, number):
    return types.SimpleNamespace(name=name, host="127.0.0.1", ports=(50000 + number, 60000),
                                 grpc_address="127.0.0.1:50000", admin_url="http://127.0.0.1:60000")


SERVICES = {name: service(name, i) for i, name in enumerate(report.SERVICES)}
FINAL = {"seconds": 3601.0, "calls": 12_345_678, "errors": 2, "calls_per_second": 3428.2,
         "p50_ms": 5.1234, "p99_ms": 1234.5, "statuses": {"OK": 12_345_676, "UNAVAILABLE": 2},
         "first_error": "UNAVAILABLE: pricing (127.0.0.1:50000): connection refused"}
READING = """grpc_server_call_duration_seconds_count{grpc_method="a.B/C",grpc_status="OK"} %d
grpc_server_call_duration_seconds_count{grpc_method="grpc.health.v1.Health/Check"} 1000
weft_fibers{state="parked"} %d
weft_fibers{state="idle"} 900
process_resident_memory_bytes 1048576000
"""


def printed(function, *arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*arguments)
    return out.getvalue()


class ReportTest(unittest.TestCase):

    def setUp(self):
        self.watch = {}
        for name in report.SERVICES:
            self.watch[name] = report.ServiceWatch()
            for calls, fibers in ((10, 3), (5_000_010, 9_999), (12_345_688, 4)):
                self.watch[name].add(metrics.Metrics(metrics.parse(READING % (calls, fibers))))

    def assert_fits(self, text):
        self.assertEqual([line for line in text.splitlines() if len(line) > 80], [])

    def test_result_counts_calls_of_the_run_and_live_fibers(self):
        result = report.make_result(FINAL, SERVICES, self.watch)
        pricing = result["services"]["pricing"]
        self.assertEqual(pricing["calls"], 12_345_678)
        self.assertEqual((pricing["fibers"], pricing["fibers_peak"]), (4, 9_999))
        self.assertIsNone(pricing["loop_lag_p99_ms"])

    def test_result_fits_80_columns_and_names_the_errors(self):
        text = printed(report.print_result, report.make_result(FINAL, SERVICES, self.watch))
        self.assert_fits("\n".join(line for line in text.splitlines() if "first:" not in line))
        self.assertIn("UNAVAILABLE 2", text)
        self.assertIn("connection refused", text)

    def test_addresses_fit_80_columns(self):
        child = types.SimpleNamespace(url="http://127.0.0.1:60001",
                                      QUERIES=prometheus.Prometheus.QUERIES)
        for beside in (child, None):
            text = printed(report.print_addresses, SERVICES, beside, 90.0)
            self.assert_fits(text)
            self.assertIn("http://127.0.0.1:60000/debug/fibers", text)

    def test_progress_is_updated_in_place_on_a_terminal_only(self):
        for in_place in (True, False):
            out = io.StringIO()
            out.isatty = lambda: in_place
            progress = report.Progress(out)
            for second in range(3):
                progress.show(second, FINAL, 100_000)
            progress.end()
            with self.subTest(in_place=in_place):
                self.assert_fits(out.getvalue().replace("\r", "\n"))
                self.assertEqual(out.getvalue().count("\r"), 3 if in_place else 0)
                self.assertEqual(out.getvalue().count("\n"), 1)


class PrometheusTest(unittest.TestCase):

    def test_configuration_scrapes_each_service_with_the_labels_of_the_rules(self):
        config = prometheus.scrape_config(SERVICES)
        scraped = config["scrape_configs"][0]["static_configs"]
        self.assertEqual([job["labels"]["service"] for job in scraped], list(report.SERVICES))
        for job in scraped:
            self.assertEqual(set(job["labels"]), {"namespace", "service", "pod"})
        for path in config["rule_files"]:
            self.assertTrue(os.path.exists(path), path)


if __name__ == "__main__":
    unittest.main()
