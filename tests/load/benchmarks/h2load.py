"""h2load (package nghttp2-client) as a load generator: cheap enough to keep one server busy.

A gRPC client costs about as much a call as a gRPC server, so on one processor each the client is
the limit: a faster server then only waits more often, for smaller batches, and its processor time a
call hardly falls. h2load needs about a third of the server's time.
"""

import math
import pathlib
import re
import shutil
import subprocess
import tempfile
from typing import Dict, List, Optional, Sequence, Tuple

from benchmarks import processes

METHOD = "/bench.v1.Echo/Say"
TIMEOUT_SECONDS = 120
# A first guess of what a server answers in a second; later slices use what the last one did.
FIRST_REQUESTS_PER_S = 10_000


def available() -> bool:
    return shutil.which("h2load") is not None


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        encoded.append(low | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def grpc_message(payload_bytes: int) -> bytes:
    """A length-prefixed EchoRequest (field 1: bytes), as on the wire."""
    message = b"\x0a" + _varint(payload_bytes) + b"x" * payload_bytes if payload_bytes else b""
    return b"\x00" + len(message).to_bytes(4, "big") + message


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


class H2Load:
    """The interface of processes.LoadClient: slices against one of several servers."""

    def __init__(self, addresses: Sequence[str], connections: int, streams: int,
                 payload_bytes: int, cpu: Optional[int]):
        self._addresses = list(addresses)
        self._shape = (connections, streams)
        self._cpu = cpu
        self._rates = [FIRST_REQUESTS_PER_S] * len(self._addresses)
        self._directory = tempfile.TemporaryDirectory()
        self._body = pathlib.Path(self._directory.name) / "request"
        self._body.write_bytes(grpc_message(payload_bytes))

    def close(self) -> None:
        self._directory.cleanup()

    def run(self, target: int, milliseconds: int) -> Dict:
        connections, streams = self._shape
        requests = max(connections * streams, int(self._rates[target] * milliseconds / 1000))
        log = pathlib.Path(self._directory.name) / "log"
        log.unlink(missing_ok=True)
        pin: List[str] = [] if self._cpu is None else ["taskset", "-c", str(self._cpu)]
        command = pin + [
            "h2load", f"--requests={requests}", f"--clients={connections}",
            f"--max-concurrent-streams={streams}", f"--data={self._body}", f"--log-file={log}",
            "--header=content-type: application/grpc", "--header=te: trailers",
            f"http://{self._addresses[target]}{METHOD}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
                              check=False)
        if done.returncode != 0:
            raise processes.BenchError(f"h2load failed: {done.stderr.strip() or done.stdout}")
        seconds, succeeded = self.parse(done.stdout)
        self._rates[target] = succeeded / seconds if succeeded else FIRST_REQUESTS_PER_S
        latencies = sorted(float(line.split()[2]) for line in log.read_text().splitlines())
        failed = requests - succeeded
        return {"requests": succeeded, "requests_per_s": succeeded / seconds,
                "errors": {"FAILED": failed} if failed else {}, "last_error": "",
                "p50_us": percentile(latencies, 0.5), "p99_us": percentile(latencies, 0.99)}

    @staticmethod
    def parse(output: str) -> Tuple[float, int]:
        seconds = re.search(r"finished in ([\d.]+)(us|ms|s)\b", output)
        succeeded = re.search(r"(\d+) succeeded", output)
        if not seconds or not succeeded:
            raise processes.BenchError(f"h2load said something unexpected: {output[-300:]}")
        unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0}[seconds.group(2)]
        return float(seconds.group(1)) * unit, int(succeeded.group(1))
