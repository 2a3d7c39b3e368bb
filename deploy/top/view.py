"""The page of ./weft top as lines of text."""

from typing import List, Optional, Union

from deploy.top import readings

# A service, or why it has no reading.
Row = Union[readings.Service, str]

_SERVICES = ("SERVICE", "ADMIN PAGES", "CALLS/S", "ERRORS/S", "P50", "P99", "IN FLIGHT", "SHED/S",
             "LAG P99", "BUSY", "FIBERS", "STALLS/S", "CPUS", "MEMORY")
_METHODS = ("METHOD", "SERVICE", "CALLS/S", "ERRORS/S", "P50", "P99")


def page(rows: List[tuple], methods_shown: int) -> List[str]:
    """`rows`: (admin address, Row) in the order in which they were asked for."""
    services = [row for _, row in rows if isinstance(row, readings.Service)]
    lines = []
    if services:
        lines = _table(_SERVICES, [_service(address, row) for address, row in rows
                                   if isinstance(row, readings.Service)], left=2)
    for address, row in rows:
        if not isinstance(row, readings.Service):
            lines.append(f"{address}: {row}")
    methods = [(method, service.name) for service in services for method in service.methods]
    methods.sort(key=lambda pair: -pair[0].calls)
    if methods:
        lines += ["", *_table(_METHODS, [_method(*pair) for pair in methods[:methods_shown]],
                              left=2)]
    if len(methods) > methods_shown:
        lines.append(f"… and {len(methods) - methods_shown} more methods")
    return lines


def _service(address, service):
    return (service.name, address, _rate(service.calls), _rate(service.errors),
            _time(service.p50), _time(service.p99), str(service.in_flight), _rate(service.shed),
            _time(service.lag_p99), f"{service.busy:.0%}", str(service.fibers),
            _rate(service.stalls), f"{service.cpu:.2f}", _bytes(service.memory_bytes))


def _method(method, service):
    return (method.name, service, _rate(method.calls), _rate(method.errors), _time(method.p50),
            _time(method.p99))


def _table(head, rows, left):
    """Columns as wide as what is in them; the first `left` of them to the left."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in [head, *rows]]


def _rate(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _time(seconds: Optional[float]) -> str:
    if seconds is None:
        return "–"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f} µs"


def _bytes(value: float) -> str:
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"
