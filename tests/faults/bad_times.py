"""Trials of a service's own troubles: it dies, runs out of descriptors, has no time, or long."""

import resource
import signal
import threading
import time

from tests.faults import raw_http2
from tests.faults.lab import HANG_SECONDS, MIB, Subject, wait_until
from tests.faults.raw_http2 import Peer

_HOUR_MS = 3_600_000
_STORM_CALLS = 4000
_STORM_CONNECTIONS = 8
_RAW_STORM_CALLS = 900  # below grpc.max_calls_per_connection
_SPARE_DESCRIPTORS = 30
_CROWD = 200
_SOAK_SHARE = 0.7
_SOAK_SAMPLES = 120
# What a fresh process still adds to itself while it warms up is no leak.
_SOAK_WARM_UP = 0.2
_SOAK_GROWTH_MIB_MAX = 8


def kill_backend(trial):
    """kill -9 of a service under load, again and again, behind another one that calls it."""
    backend = trial.start_subject()
    front = trial.start_subject(f"--subject.backend={backend.grpc_address}")
    away = []
    kills = 0
    with trial.beside(front, ("OK", "UNAVAILABLE")) as callers:
        end = time.monotonic() + trial.seconds
        while kills == 0 or time.monotonic() < end:
            backend.process.send_signal(signal.SIGKILL)
            backend.process.wait(HANG_SECONDS)
            kills += 1
            trial.expect(wait_until(lambda: callers.report()["codes"].get("UNAVAILABLE", 0) > 0),
                         "no caller saw that the backend was away")
            begin = time.monotonic()
            backend = Subject(trial.folder, [f"--grpc.listen={backend.grpc_address}"],
                              f"backend{kills}")
            callers.report()
            trial.expect(wait_until(lambda: callers.report()["codes"].get("OK", 0) > 0),
                         "calls do not work again although the backend is back")
            away.append(time.monotonic() - begin)
            time.sleep(0.2)
    backend.stop()
    trial.figure("kills", kills)
    trial.figure("from the restart to the first answer s, median", sorted(away)[len(away) // 2])
    trial.figure("from the restart to the first answer s, longest", max(away))
    trial.settle(front)


def _allow_descriptors(pid, number):
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, hard))


def descriptors(trial):
    """More connections than the service has file descriptors for."""
    subject = trial.start_subject()
    with trial.beside(subject):
        limit, _ = resource.prlimit(subject.process.pid, resource.RLIMIT_NOFILE)
        held = subject.footing().descriptors
        _allow_descriptors(subject.process.pid, held + _SPARE_DESCRIPTORS)
        crowd = [Peer(subject) for _ in range(_CROWD)]
        trial.expect(wait_until(lambda: "cannot accept connections" in subject.stderr_text()),
                     "the service does not say that it is out of descriptors")
        cpu_before, begin = subject.cpu_seconds(), time.monotonic()
        time.sleep(max(trial.seconds, 1.0))
        seconds = time.monotonic() - begin
        trial.figure("service: CPU share meanwhile, %",
                     (subject.cpu_seconds() - cpu_before) / seconds * 100)
        lines = subject.stderr_text().count("cannot accept connections")
        trial.figure("service: lines logged about it", lines)
        trial.expect(lines < 5 + trial.seconds, f"the service logs too much: {lines} times")
        trial.figure("connections in excess", _CROWD - _SPARE_DESCRIPTORS // 2)
        begin = time.monotonic()
        for peer in crowd:
            peer.socket.close()
        trial.expect(Peer(subject).call(b"room again"),
                     "a new connection is not served although there is room")
        trial.figure("served again after s", time.monotonic() - begin)
        _allow_descriptors(subject.process.pid, limit)
    trial.settle(subject)


def _storm_without_client(subject):
    """Calls whose client does not give them up itself. How many ended as they should."""
    timeout = ((b"grpc-timeout", b"1S"),)
    with Peer(subject) as peer:
        peer.socket.sendall(b"".join(
            raw_http2.headers(stream, b"Sleep", timeout)
            + raw_http2.message(stream, raw_http2.sleep(_HOUR_MS))
            for stream in range(1, 2 * _RAW_STORM_CALLS, 2)))
        ended = set()
        while len(ended) < _RAW_STORM_CALLS:
            got = raw_http2.read_frame(peer.socket)
            if got is None:
                break
            kind, flags, stream, _ = got
            if kind == raw_http2.RST_STREAM or (
                    kind == raw_http2.HEADERS and flags & raw_http2.END_STREAM):
                ended.add(stream)
        return len(ended)


def deadline_storm(trial):
    """Thousands of calls whose deadlines pass at the same time, on both sides."""
    subject = trial.start_subject("--admission.enabled=false")
    storms, late, most = 0, 0.0, 0
    with trial.beside(subject, rate=200):
        end = time.monotonic() + trial.seconds
        while storms == 0 or time.monotonic() < end:
            storms += 1
            storm = trial.start_callers(subject, storm=_STORM_CALLS, timeout="1500ms",
                                        connections=_STORM_CONNECTIONS)
            ended = []
            raw = threading.Thread(target=lambda: ended.append(_storm_without_client(subject)))
            raw.start()
            deadline = time.monotonic() + HANG_SECONDS
            while storm.alive() and time.monotonic() < deadline:
                most = max(most, subject.calls())
                time.sleep(0.05)
            report = storm.read_last_report()
            raw.join()
            trial.expect(storm.codes == {"DEADLINE_EXCEEDED": _STORM_CALLS, "OK": 1},
                         f"the storm's calls ended with {storm.codes}: {storm.texts}")
            trial.expect(ended == [_RAW_STORM_CALLS],
                         f"of {_RAW_STORM_CALLS} calls, the service ended only {ended}")
            late = max(late, report["max_ms"])
    trial.figure("storms", storms)
    trial.figure("calls in each", _STORM_CALLS + _RAW_STORM_CALLS)
    trial.figure("in flight at once, at most", most)
    trial.figure("last call ended after its deadline, ms", late)
    trial.settle(subject)


def _slope(samples):
    """Of (x, y), by least squares."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def soak(trial):
    """Load of 70 % of what the service can do; memory is to stay where it is."""
    subject = trial.start_subject()
    fast = trial.start_callers(subject)
    time.sleep(min(1.0, trial.seconds / 4))
    fast.report()
    span = min(5.0, trial.seconds / 4)
    time.sleep(span)
    capacity = fast.report()["calls"] / span
    fast.finish()
    trial.judge(fast, ("OK",), "to find the capacity")
    rate = capacity * _SOAK_SHARE

    callers = trial.start_callers(subject, rate=rate)
    callers.mark()
    begin = time.monotonic()
    samples, reports, held = [], [], []
    while time.monotonic() - begin < trial.seconds:
        time.sleep(trial.seconds / _SOAK_SAMPLES)
        samples.append((time.monotonic() - begin, subject.resident_bytes() / MIB))
        reports.append(callers.mark())
        held.append(subject.footing().descriptors)
    callers.finish()
    trial.judge(callers, ("OK",))
    warm = [sample for sample in samples if sample[0] > trial.seconds * _SOAK_WARM_UP]
    growth = _slope(warm) * (warm[-1][0] - warm[0][0])
    trial.figure("seconds", trial.seconds)
    trial.figure("capacity, calls/s", capacity)
    trial.figure("load, calls/s", sum(r["calls"] for r in reports) / samples[-1][0])
    trial.figure("p99 ms, median of the samples", sorted(r["p99_ms"] for r in reports)
                 [len(reports) // 2])
    trial.figure("slowest ms", max(r["max_ms"] for r in reports))
    trial.figure("MiB at the start", samples[0][1])
    trial.figure("MiB after the warm-up", warm[0][1])
    trial.figure("MiB at the end", warm[-1][1])
    trial.figure("slope, KiB a minute", _slope(warm) * 1024 * 60)
    trial.figure("descriptors, fewest to most", max(held) - min(held))
    trial.expect(growth < _SOAK_GROWTH_MIB_MAX, f"memory grew by {growth:.1f} MiB")
    trial.settle(subject)


SCENARIOS = {
    "kill_backend": kill_backend,
    "descriptors": descriptors,
    "deadline_storm": deadline_storm,
    "soak": soak,
}
