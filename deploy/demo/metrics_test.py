"""Tests of metrics.py."""

import math
import unittest

from deploy.demo import metrics

PAGE = r'''# HELP lag_seconds Lag.
# TYPE lag_seconds histogram
lag_seconds_bucket{shard="0",le="0.001"} 90
lag_seconds_bucket{shard="0",le="0.01"} 100
lag_seconds_bucket{shard="0",le="+Inf"} 100
lag_seconds_bucket{shard="1",le="0.001"} 90
lag_seconds_bucket{shard="1",le="0.01"} 100
lag_seconds_bucket{shard="1",le="+Inf"} 100
lag_seconds_sum{shard="0"} 0.5
fibers{state="parked",shard="0"} 3
fibers{state="idle",shard="0"} 40
fibers{state="parked",shard="1"} 4
up 1 1700000000000
odd{text="a \"b\", c=\"d\" {e}"} 7
'''


class MetricsTest(unittest.TestCase):

    def setUp(self):
        self.metrics = metrics.Metrics(metrics.parse(PAGE))

    def test_total_sums_matching_samples(self):
        self.assertEqual(self.metrics.total("fibers"), 47)
        self.assertEqual(self.metrics.total("fibers", state="parked"), 7)
        self.assertEqual(self.metrics.total("fibers", state=("parked", "idle"), shard="0"), 43)
        self.assertEqual(self.metrics.total("up"), 1)
        self.assertEqual(self.metrics.total("missing"), 0)

    def test_labels_may_hold_quotes_and_braces(self):
        self.assertEqual(self.metrics.total("odd"), 7)

    def test_a_line_that_is_no_sample_is_an_error(self):
        with self.assertRaises(ValueError):
            metrics.parse("<html>\n")

    def test_quantile_is_linear_within_its_bucket(self):
        buckets = self.metrics.buckets("lag_seconds")
        self.assertAlmostEqual(metrics.quantile(0.45, buckets), 0.0005)
        self.assertAlmostEqual(metrics.quantile(0.95, buckets), 0.0055)

    def test_quantile_counts_from_the_earlier_reading(self):
        buckets = self.metrics.buckets("lag_seconds")
        earlier = {0.001: 180.0, 0.01: 190.0, math.inf: 190.0}
        self.assertGreater(metrics.quantile(0.5, buckets, earlier), 0.001)
        self.assertIsNone(metrics.quantile(0.5, buckets, buckets))

    def test_quantile_above_all_bounds_is_the_last_bound(self):
        self.assertEqual(metrics.quantile(0.99, {0.1: 1.0, math.inf: 100.0}), 0.1)

    def test_quantile_of_nothing_is_none(self):
        self.assertIsNone(metrics.quantile(0.5, {}))


if __name__ == "__main__":
    unittest.main()
