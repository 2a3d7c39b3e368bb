"""Starting, pinning, measuring and ending the programs of a measurement.

Every child is killed when the measurement ends in whatever way: by `Processes.__exit__` in an
orderly end, an error or Ctrl+C, and by the kernel (PR_SET_PDEATHSIG) if this process is killed.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, Optional, Sequence, Tuple

START_TIMEOUT_SECONDS = 20
STOP_TIMEOUT_SECONDS = 10
STDERR_TAIL_LINES = 12

# Room for 10,000 connections on either side and a margin.
WANTED_FILE_DESCRIPTORS = 32768

# Programs that were running on average in the last minute before a measurement.
BUSY_LOAD = 0.7

_PR_SET_PDEATHSIG = 1
_CPUCLOCK_SCHED = 2

# Loaded before any fork: a child may not take locks between fork and exec.
_LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """What stops a measurement, as one line for the person who started it."""


def note(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def raise_file_limit() -> None:
    """Raises the limit of open files of this process and its children as far as is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def warn_if_busy() -> None:
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        note(f"the machine is busy (load {load:.1f}): trust ratios only, and wide ranges little")


@dataclasses.dataclass(frozen=True)
class Placement:
    """Which processors the server and the client run on; None: anywhere."""
    server: Optional[int]
    client: Optional[int]


def choose_placement() -> Placement:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        note("one processor only: server and client share it, so latencies mean little")
        return Placement(None, None)
    return Placement(allowed[0], allowed[1])


def find_binary(bin_dir: pathlib.Path, label: str) -> Optional[pathlib.Path]:
    """The file of a target like "//tests/load:load_client" below `bin_dir`, or right in it."""
    package, name = label[2:].split(":")
    for path in (bin_dir / package / name, bin_dir / name):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def missing(label: str, bin_dir: pathlib.Path) -> str:
    return f"{label} is not built below {bin_dir}: run ./weft build --config=opt {label}"


def require_binary(bin_dir: pathlib.Path, label: str) -> pathlib.Path:
    path = find_binary(bin_dir, label)
    if path is None:
        raise BenchError(missing(label, bin_dir))
    return path


class Child:
    """One running program, with line-by-line access to its standard output."""

    def __init__(self, name: str, command: Sequence[str], cpu: Optional[int] = None):
        self.name = name
        self._stderr = tempfile.TemporaryFile()
        self._buffer = b""
        parent = os.getpid()

        def prepare() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        # A session of its own, so that Ctrl+C reaches this process alone, which ends its children.
        self._process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._stderr, preexec_fn=prepare, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stderr_text(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def death(self) -> BenchError:
        """What to say when the child is gone but should not be."""
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        tail = "\n  ".join(self.stderr_text().strip().splitlines()[-STDERR_TAIL_LINES:])
        return BenchError(f"{self.name} {how}" + (f"; it said:\n  {tail}" if tail else ""))

    def alive(self) -> bool:
        return self._process.poll() is None

    def require_alive(self) -> None:
        if not self.alive():
            raise self.death()

    def write_line(self, line: str) -> None:
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self.death() from None

    def _read_more(self, end: float) -> bool:
        """Adds what comes until the monotonic time `end` to the buffer; False at end of file."""
        stdout = self._process.stdout.fileno()
        left = end - time.monotonic()
        if left <= 0 or not select.select([stdout], [], [], left)[0]:
            raise BenchError(f"{self.name} did not answer in time")
        data = os.read(stdout, 65536)
        self._buffer += data
        return bool(data)

    def read_line(self, timeout_seconds: float) -> str:
        end = time.monotonic() + timeout_seconds
        while b"\n" not in self._buffer:
            if not self._read_more(end):
                raise self.death()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def read_to_end(self, timeout_seconds: float) -> str:
        end = time.monotonic() + timeout_seconds
        while self._read_more(end):
            pass
        return self._buffer.decode()

    def wait(self, timeout_seconds: float) -> int:
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} did not end within {timeout_seconds:.0f} s") from None

    def kill(self) -> None:
        if self.alive():
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def terminate(self, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """SIGTERM, and the end that a server owes to it: status 0 before long."""
        self.require_alive()
        self._process.send_signal(signal.SIGTERM)
        if self.wait(timeout_seconds) != 0:
            raise self.death()

    def cpu_seconds(self) -> float:
        """The processor time used since the start, by every thread, ended ones too, in nanoseconds'
        resolution: /proc/<pid>/stat counts ticks of 10 ms, /proc/<pid>/task/*/schedstat lacks
        threads that have ended. The clock's number is that of clock_getcpuclockid(3)."""
        try:
            return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)
        except OSError:
            raise self.death() from None

    def cpu_split_seconds(self) -> Tuple[float, float]:
        """User and system time, in ticks of 10 ms: for sums over many slices."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        tick = os.sysconf("SC_CLK_TCK")
        return int(fields[11]) / tick, int(fields[12]) / tick

    def peak_rss_bytes(self) -> int:
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


class Server(Child):
    """A server that prints "LISTENING <port>" once it serves."""

    address = ""

    def wait_until_listening(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        line = self.read_line(timeout_seconds)
        if not re.fullmatch(r"LISTENING \d+", line):
            raise BenchError(f'{self.name} printed "{line}" instead of "LISTENING <port>"')
        self.address = "127.0.0.1:" + line.split()[1]


class LoadClient(Child):
    """load_client --commands: keeps its connections open and is told slice by slice."""

    def wait_until_connected(self) -> None:
        self._answer(START_TIMEOUT_SECONDS)

    def _answer(self, timeout_seconds: float) -> Dict:
        answer = json.loads(self.read_line(timeout_seconds))
        if "error" in answer:
            raise BenchError(f"load_client: {answer['error']}")
        return answer

    def run(self, target: int, milliseconds: int) -> Dict:
        """Calls for that long; the report of load_client as a dictionary."""
        self.write_line(f"run {target} {milliseconds}")
        return self._answer(START_TIMEOUT_SECONDS + milliseconds / 1000)

    def requests(self, target: int, count: int, timeout_seconds: float) -> Dict:
        """Makes that many calls; the report of load_client as a dictionary."""
        self.write_line(f"requests {target} {count}")
        return self._answer(timeout_seconds)

    def rate(self, target: int, milliseconds: int, calls_per_second: int,
             timeout_ms: int) -> Dict:
        """An open loop of calls at that rate, each with a deadline; load_client's report."""
        self.write_line(f"rate {target} {milliseconds} {calls_per_second} {timeout_ms}")
        return self._answer(START_TIMEOUT_SECONDS + (milliseconds + timeout_ms) / 1000)


class Processes:
    """The children of a measurement; leaving the `with` block kills those that are left."""

    def __init__(self) -> None:
        self._children: List[Child] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_) -> None:
        for child in reversed(self._children):
            child.kill()

    def start_child(self, name: str, command: Sequence, cpu: Optional[int] = None) -> Child:
        return self._start(Child, name, command, cpu)

    def start_server(self, name: str, command: Sequence, cpu: Optional[int] = None,
                     timeout_seconds: float = START_TIMEOUT_SECONDS) -> Server:
        server = self._start(Server, name, command, cpu)
        server.wait_until_listening(timeout_seconds)
        return server

    def start_client(self, binary: pathlib.Path, targets: Sequence[str], arguments: Sequence[str],
                     cpu: Optional[int] = None) -> LoadClient:
        command = [binary, "--commands", "--target=" + ",".join(targets), *arguments]
        client = self._start(LoadClient, "load_client", command, cpu)
        client.wait_until_connected()
        return client

    def _start(self, kind, name: str, command: Sequence, cpu: Optional[int]):
        try:
            child = kind(name, command, cpu)
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchError(f"{name} cannot be started: {error}") from None
        self._children.append(child)
        return child
