"""What ./weft top shows, from two readings of a service's /metrics. No terminal, no clock."""

import dataclasses
from typing import Dict, List, Optional

from deploy.demo import metrics

# Health checks and reflection would hide what a service is for.
_OWN = "grpc."
# The statuses that OpenTelemetry's RPC conventions count as the server's fault, as the alerts do.
_FAULTS = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
_CALLS = "grpc_server_call_duration_seconds"


@dataclasses.dataclass(frozen=True)
class Method:
    name: str
    calls: float  # a second
    errors: float  # a second
    p50: Optional[float]  # seconds; None without calls
    p99: Optional[float]


@dataclasses.dataclass(frozen=True)
class Service:
    name: str
    version: str
    calls: float  # a second, and so are errors, shed and stalls
    errors: float
    p50: Optional[float]  # seconds
    p99: Optional[float]
    lag_p99: Optional[float]
    busy: float  # of all shards, 1 is all of them all the time
    shards: int
    fibers: int
    in_flight: int
    shed: float
    stalls: float
    cpu: float  # processors
    memory_bytes: float
    methods: List[Method]  # the busiest first


def between(before: metrics.Metrics, after: metrics.Metrics, seconds: float) -> Service:
    """A service over the time between two readings, `seconds` apart."""
    reading = _Pair(before, after, seconds)
    info = after.samples("weft_build_info")
    labels: Dict[str, str] = info[0][1] if info else {}
    methods = _methods(reading)
    own = {"grpc_method": [method.name for method in methods]}
    return Service(
        name=labels.get("service", "?"),
        version=labels.get("version", "?"),
        calls=sum(method.calls for method in methods),
        errors=sum(method.errors for method in methods),
        p50=reading.quantile(0.5, _CALLS, **own),
        p99=reading.quantile(0.99, _CALLS, **own),
        lag_p99=reading.quantile(0.99, "weft_loop_lag_seconds"),
        busy=reading.rate("weft_loop_busy_seconds_total") / max(_shards(after), 1),
        shards=_shards(after),
        fibers=int(after.total("weft_fibers", state=("running", "ready", "parked"))),
        in_flight=int(after.total("weft_calls_in_flight")),
        shed=reading.rate("weft_admission_shed_total"),
        stalls=reading.rate("weft_stalls_total"),
        cpu=reading.rate("process_cpu_seconds_total"),
        memory_bytes=after.total("process_resident_memory_bytes"),
        methods=methods)


class _Pair:
    """Two readings of one process, or of two if it was started anew between them."""

    def __init__(self, before, after, seconds):
        restarted = (after.total("process_start_time_seconds")
                     != before.total("process_start_time_seconds"))
        self.before = metrics.Metrics([]) if restarted else before
        self.after = after
        self._seconds = seconds

    def rate(self, name, **labels):
        grown = self.after.total(name, **labels) - self.before.total(name, **labels)
        return max(grown, 0.0) / self._seconds

    def quantile(self, share, name, **labels):
        return metrics.quantile(share, self.after.buckets(name, **labels),
                                self.before.buckets(name, **labels))


def _shards(reading):
    return len({labels["shard"] for _, labels, _ in reading.samples("weft_loop_iterations_total")})


def _methods(reading):
    names = {labels["grpc_method"] for _, labels, _ in reading.after.samples(_CALLS + "_count")}
    methods = [
        Method(name=name,
               calls=reading.rate(_CALLS + "_count", grpc_method=name),
               errors=reading.rate(_CALLS + "_count", grpc_method=name, grpc_status=_FAULTS),
               p50=reading.quantile(0.5, _CALLS, grpc_method=name),
               p99=reading.quantile(0.99, _CALLS, grpc_method=name))
        for name in names if not name.startswith(_OWN)]
    return sorted(methods, key=lambda method: (-method.calls, method.name))
