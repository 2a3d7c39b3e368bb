"""What a trial works with: a service, its well-behaved callers, and a look at both.

A trial collects figures, and faults: what should not have happened, a sentence each.
"""

import contextlib
import dataclasses
import json
import os
import time

from benchmarks import processes
from deploy.demo import children, metrics
from tests.faults import raw_http2

# No expectation of speed: only what tells a hang from a slow machine.
HANG_SECONDS = 60
BIN_DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIB = 1 << 20


def wait_until(condition, timeout=HANG_SECONDS):
    """Whether condition() became true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclasses.dataclass(frozen=True)
class Footing:
    """What a service holds; without calls it should come back to where it was."""
    connections: int
    calls: int
    fibers: int
    descriptors: int

    def no_more_than(self, other):
        return all(mine <= its for mine, its in
                   zip(dataclasses.astuple(self), dataclasses.astuple(other)))


class Subject(children.Service):
    """tests/faults/subject.cc, listening."""

    def __init__(self, folder, flags=(), name="subject"):
        super().__init__(name, os.path.join(BIN_DIR, "tests/faults/subject"), folder, flags)
        self.wait_listening(HANG_SECONDS)

    def metrics(self):
        return metrics.Metrics.fetch(self.admin_url, timeout=HANG_SECONDS)

    def footing(self):
        now = self.metrics()
        return Footing(
            connections=int(now.total("weft_connections_open")),
            calls=int(now.total("weft_calls_in_flight")),
            fibers=int(now.total("weft_fibers_spawned_total")
                       - now.total("weft_fibers_finished_total")),
            descriptors=len(os.listdir(f"/proc/{self.process.pid}/fd")))

    def connections(self):
        return int(self.metrics().total("weft_connections_open"))

    def calls(self):
        return int(self.metrics().total("weft_calls_in_flight"))

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Callers(processes.Child):
    """tests/faults/callers.cc; see there for the reports."""

    def __init__(self, target, **flags):
        words = [f"--{name}={value}" for name, value in flags.items()]
        super().__init__("callers", [os.path.join(BIN_DIR, "tests/faults/callers"),
                                     f"--target={target}", *words])
        self.codes = {}  # of all that has been reported
        self.texts = {}

    def report(self):
        """What ended since the last report; latencies are those since the last mark."""
        self.write_line("report")
        return self._read()

    def mark(self):
        """A report, after which latencies are counted anew."""
        self.write_line("mark")
        return self._read()

    def finish(self):
        """The last report, when all calls have ended."""
        self._process.stdin.close()
        return self.read_last_report()

    def read_last_report(self):
        report = self._read()
        self.wait(HANG_SECONDS)
        return report

    def send_signal(self, signal):
        self._process.send_signal(signal)

    def _read(self):
        report = json.loads(self.read_line(HANG_SECONDS))
        for code, number in report["codes"].items():
            self.codes[code] = self.codes.get(code, 0) + number
        self.texts.update(report["texts"])
        return report


class Trial:
    def __init__(self, folder, seconds):
        self.folder = folder
        self.seconds = seconds  # how long the fault lasts
        self.figures = {}
        self.faults = []
        self._ends = contextlib.ExitStack()
        self._started = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ends.close()

    def figure(self, name, value):
        self.figures[name] = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"

    def expect(self, condition, sentence):
        if not condition:
            self.faults.append(sentence)

    def start_subject(self, *flags, first_call=True):
        """`first_call`: what a process makes at its first one stays, and is no leak."""
        self._started += 1
        subject = Subject(self.folder, flags, f"subject{self._started}")
        self._ends.callback(lambda: subject.stop() if subject.running() else None)
        if first_call:
            raw_http2.Peer(subject).call(b"first")
            wait_until(lambda: subject.connections() == 0)
        subject.at_rest = subject.footing()
        subject.resident_at_rest = subject.resident_bytes()
        return subject

    def start_callers(self, target, **flags):
        callers = Callers(getattr(target, "grpc_address", target), **flags)
        self._ends.callback(callers.kill)
        return callers

    def judge(self, callers, allowed, what="well-behaved"):
        """That their calls ended with nothing but these codes.

        Under overload a service turns calls away at once: on a machine that is busy otherwise, too.
        """
        self.figure(f"{what}: calls", sum(callers.codes.values()))
        for code, number in callers.codes.items():
            if code != "OK":
                self.figure(f"{what}: {code}", number)
            text = callers.texts.get(code, "")
            turned_away = "the server is overloaded" in text
            self.expect(code in allowed or turned_away,
                        f"{number} {what} calls ended with {code}: {text}")

    @contextlib.contextmanager
    def beside(self, subject, allowed=("OK",), **flags):
        """Well-behaved callers of `subject` during the block, and half a second before it."""
        callers = self.start_callers(subject, **{"rate": 500, **flags})
        expected = subject.connections() + int(flags.get("connections", 4))
        wait_until(lambda: subject.connections() >= expected)
        callers.mark()
        time.sleep(min(0.5, self.seconds))
        quiet = callers.mark()
        answered = callers.codes.get("OK", 0)
        yield callers
        last = callers.finish()
        self.judge(callers, allowed)
        self.expect(callers.codes.get("OK", 0) > answered,
                    "no well-behaved call was answered during the fault")
        self.figure("well-behaved: p99 ms, before", quiet["p99_ms"])
        self.figure("well-behaved: p99 ms, during", last["p99_ms"])
        self.figure("well-behaved: slowest ms", last["max_ms"])

    def settle(self, subject):
        """That the service lets go of all that it held for the fault."""
        self.expect(subject.running(), "the service has died: " + subject.stderr_text()[-400:])
        if not subject.running():
            return
        self.expect(wait_until(lambda: subject.footing().no_more_than(subject.at_rest)),
                    f"the service still holds {subject.footing()}, not {subject.at_rest}")
        self.figure("service: MiB more than at rest",
                    (subject.resident_bytes() - subject.resident_at_rest) / MIB)
        self.expect(subject.stop(HANG_SECONDS) == 0,
                    "the service does not end as it should: " + subject.stderr_text()[-400:])
