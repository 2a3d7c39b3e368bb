"""Reads a service's /metrics page (Prometheus text format). Standard library only."""

import math
import re
import urllib.request

_SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """[(name, {label: value}, number)] of every sample."""
    samples = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if not match:
            raise ValueError(f"no metric sample: {line!r}")
        samples.append((match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return samples


class Metrics:
    """One reading of a service's metrics."""

    def __init__(self, samples):
        self._samples = samples

    @classmethod
    def fetch(cls, admin_url, timeout=5):
        with urllib.request.urlopen(admin_url + "/metrics", timeout=timeout) as response:
            return cls(parse(response.read().decode("utf-8")))

    def samples(self, name):
        """The samples of one name: [(name, {label: value}, number)]."""
        return [sample for sample in self._samples if sample[0] == name]

    def total(self, name, **labels):
        """The sum of a metric over all label values, or over those that match `labels`.

        A label is matched by a value or by a collection of values. 0 where there is none.
        """
        return sum(number for _, has, number in self.samples(name)
                   if all(_matches(has.get(key), wanted) for key, wanted in labels.items()))

    def buckets(self, name, **labels):
        """{upper bound: cumulative count} of a histogram, summed over label values as total()."""
        sums = {}
        for _, has, number in self.samples(name + "_bucket"):
            if all(_matches(has.get(key), wanted) for key, wanted in labels.items()):
                bound = float(has["le"])
                sums[bound] = sums.get(bound, 0.0) + number
        return sums


def _matches(value, wanted):
    return value == wanted if isinstance(wanted, str) else value in wanted


def quantile(share, buckets, earlier=None):
    """As PromQL's histogram_quantile: linear within the bucket. None without observations.

    `earlier` is a reading to subtract, so that only what came after it counts.
    """
    bounds = sorted(buckets)
    counts = [buckets[bound] - (earlier or {}).get(bound, 0.0) for bound in bounds]
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    at = next(i for i, count in enumerate(counts) if count >= rank)
    lower_bound = bounds[at - 1] if at else 0.0
    if math.isinf(bounds[at]):
        return lower_bound
    lower_count = counts[at - 1] if at else 0.0
    within = counts[at] - lower_count
    return lower_bound + (bounds[at] - lower_bound) * ((rank - lower_count) / within if within
                                                       else 1.0)
