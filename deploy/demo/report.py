"""What the demo shows on the terminal: 80 columns, plain text. Standard library only."""

import time

from deploy.demo import metrics

SERVICES = ("storefront", "catalog", "pricing")

_LINE_SECONDS = 5.0  # between two lines of progress where no line can be updated in place
_LIVE_STATES = ("running", "ready", "parked")
_DASHBOARD = "deploy/monitoring/dashboards"


class ServiceWatch:
    """What a service's /metrics said over the run."""

    def __init__(self):
        self.first = None
        self.last = None
        self.fibers = 0
        self.fibers_peak = 0

    def add(self, reading, loaded=True):
        """Takes one look; `loaded`: there is load now, so that its fibers are worth telling."""
        self.first = self.first or reading
        self.last = reading
        if not loaded:
            return
        self.fibers = int(reading.total("weft_fibers", state=_LIVE_STATES))
        self.fibers_peak = max(self.fibers_peak, self.fibers)

    def calls(self):
        """Calls that ended during the run, without gRPC's own (health checks, reflection)."""
        return int(_calls(self.last) - _calls(self.first))

    def loop_lag_p99_ms(self):
        name = "weft_loop_lag_seconds"
        lag = metrics.quantile(0.99, self.last.buckets(name), self.first.buckets(name))
        return None if lag is None else lag * 1000

    def memory_mib(self):
        return self.last.total("process_resident_memory_bytes") / 2**20


def _calls(reading):
    name = "grpc_server_call_duration_seconds_count"
    return sum(number for sample, labels, number in reading.samples(name)
               if not labels.get("grpc_method", "").startswith("grpc."))


class Progress:
    """One line updated in place on a terminal; elsewhere a line every few seconds."""

    def __init__(self, stream):
        self._stream = stream
        self._in_place = stream.isatty()
        self._open = False
        self._last = float("-inf")

    def show(self, elapsed, span, fibers):
        text = (f"  {_clock(elapsed)}  {span['calls_per_second']:7,.0f} calls/s  "
                f"{span['errors']} errors  p50 {_ms(span['p50_ms'])}  p99 {_ms(span['p99_ms'])}  "
                f"fibers {fibers}")
        if self._in_place:
            self._stream.write("\r" + text[:79].ljust(79))
            self._open = True
        elif time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            self._stream.write(text + "\n")
        self._stream.flush()

    def end(self):
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False


def print_addresses(services, prometheus_child, seconds):
    print("Weft demo: a storefront that asks a catalog and pricing for each offer.\n")
    for name in SERVICES:
        service = services[name]
        print(f"  {name:<12}gRPC {service.grpc_address}")
        print(f"  {'':<12}{service.admin_url}/metrics")
        print(f"  {'':<12}{service.admin_url}/debug/fibers")
    print()
    if prometheus_child:
        print(f"  {'Prometheus':<12}{prometheus_child.url}/graph   for example:")
        for query in prometheus_child.QUERIES:
            print(f"  {'':<12}{query}")
    else:
        print(f"  {'Prometheus':<12}not started; deploy/monitoring/ has rules and alerts for one")
    print(f"  {'Grafana':<12}{_DASHBOARD}\n")
    how_long = f"Load for {_clock(seconds).strip()}" if seconds else "Load until Ctrl+C"
    print(f"{how_long}:", flush=True)


def make_result(final, services, watch):
    """The report as a plain value, for --json and print_result."""
    return {
        "seconds": final["seconds"],
        "calls": final["calls"],
        "errors": final["errors"],
        "calls_per_second": final["calls_per_second"],
        "p50_ms": final["p50_ms"],
        "p99_ms": final["p99_ms"],
        "statuses": final["statuses"],
        "first_error": final.get("first_error"),
        "services": {
            name: {
                "grpc": services[name].grpc_address,
                "admin": services[name].admin_url,
                "calls": watch[name].calls(),
                "loop_lag_p99_ms": watch[name].loop_lag_p99_ms(),
                "fibers": watch[name].fibers,
                "fibers_peak": watch[name].fibers_peak,
                "memory_mib": round(watch[name].memory_mib(), 1),
            } for name in SERVICES
        },
    }


def print_result(result):
    print(f"\nAfter {result['seconds']:.1f} s:")
    print(f"  calls     {result['calls']:,} ({result['calls_per_second']:,.0f} a second)")
    errors = f"{result['errors']:,}"
    if result["errors"]:
        others = ", ".join(f"{status} {count:,}" for status, count in result["statuses"].items()
                           if status != "OK")
        errors += f" ({others})"
    print(f"  errors    {errors}")
    if result["first_error"]:
        print(f"            first: {result['first_error'][:300]}")
    print(f"  latency   p50 {_ms(result['p50_ms']).strip()}, p99 {_ms(result['p99_ms']).strip()}\n")
    print(f"  {'service':<11}{'calls':>9}{'loop lag p99':>14}{'fibers':>8}{'most':>7}"
          f"{'memory':>9}  admin pages")
    for name, service in result["services"].items():
        lag = service["loop_lag_p99_ms"]
        print(f"  {name:<11}{service['calls']:>9,}{'-' if lag is None else _ms(lag):>14}"
              f"{service['fibers']:>8}{service['fibers_peak']:>7}"
              f"{service['memory_mib']:>5.0f} MiB  {service['admin'].removeprefix('http://')}")
    print("\nAll processes have ended. Without --for the demo runs until Ctrl+C: time to"
          "\nlook at /metrics and /debug/fibers of each service. For Grafana:"
          f"\n{_DASHBOARD}", flush=True)


def _ms(value):
    return f"{value:5.2f} ms" if value < 10 else f"{value:5.0f} ms"


def _clock(seconds):
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:2d} m {rest:02d} s" if minutes else f"{rest:6d} s"
