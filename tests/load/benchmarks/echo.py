"""echo: what a unary call costs the server, against hand-written gRPC servers, in one run.

All servers run at once on one processor and the client on another; each has the processor to itself
for a slice of a few hundred milliseconds, in an order shuffled anew each round. A ratio is taken
between two slices of the same round. README.md says why.
"""

import argparse
import dataclasses
import random
import re
import tempfile
import time
from typing import Dict, List, Tuple

from benchmarks import callgrind, h2load, processes, rows, servers

HELP = "CPU time, throughput and latency of a unary call, against hand-written gRPC"

WARMUP_MS = 300
# For what a server still does after its last reply of a slice, before its clock is read.
SETTLE_SECONDS = 0.003

# The cost of start-up, connections and shutdown is in both runs, so it leaves the difference.
CALLGRIND_WARMUP_REQUESTS = 1000
CALLGRIND_REQUESTS = 5000


def parse_shapes(text: str) -> List[Tuple[int, int]]:
    shapes = []
    for part in text.split(","):
        match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", part)
        if not match:
            raise argparse.ArgumentTypeError(f'"{part}" is no shape like 10x10')
        shapes.append((int(match.group(1)), int(match.group(2))))
    return shapes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shapes", type=parse_shapes, default="1x1,10x10,100x10,1x100",
                        help="connections x calls in flight on each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=20,
                        help="slices of each server in each shape (default: %(default)s)")
    parser.add_argument("--slice-ms", type=int, default=250,
                        help="length of a slice in milliseconds (default: %(default)s)")
    parser.add_argument("--servers", type=servers.parse_names, default=",".join(servers.SERVERS),
                        help="which servers (default: %(default)s)")
    parser.add_argument("--payload-bytes", type=int, default=32,
                        help="bytes in request and reply (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: %(default)s)")
    parser.add_argument("--callgrind", action="store_true",
                        help="also count user instructions under valgrind, in the first shape")
    parser.add_argument("--quick", action="store_true",
                        help="a few seconds only: to see that it works, not for figures")


@dataclasses.dataclass
class Slices:
    """What was measured of one server in one shape; each list has one value a round."""
    cpu_us: List[float] = dataclasses.field(default_factory=list)
    requests_per_s: List[float] = dataclasses.field(default_factory=list)
    p50_us: List[float] = dataclasses.field(default_factory=list)
    p99_us: List[float] = dataclasses.field(default_factory=list)
    requests: int = 0
    user_share: float = 0.0

    def add(self, cpu_seconds: float, report: Dict) -> None:
        self.cpu_us.append(cpu_seconds * 1e6 / report["requests"])
        self.requests_per_s.append(report["requests_per_s"])
        self.p50_us.append(report["p50_us"])
        self.p99_us.append(report["p99_us"])
        self.requests += report["requests"]


def start_client(options, shape: Tuple[int, int], running: processes.Processes,
                 addresses: List[str], cpu):
    """h2load where it is installed, else our own client, which then limits the faster servers."""
    if h2load.available():
        return h2load.H2Load(addresses, *shape, options.payload_bytes, cpu)
    processes.note("h2load is not installed (apt install nghttp2-client): with the gRPC client "
                   "instead, which is slower than some servers, ratios come out too close to 1")
    return running.start_client(
        processes.require_binary(options.bin_dir, servers.CLIENT), addresses,
        [f"--connections={shape[0]}", f"--streams={shape[1]}",
         f"--payload_bytes={options.payload_bytes}"], cpu)


def measure_slice(client, server: processes.Server, target: int,
                  milliseconds: int) -> Tuple[float, Dict]:
    before = server.cpu_seconds()
    report = client.run(target, milliseconds)
    time.sleep(SETTLE_SECONDS)
    cpu_seconds = server.cpu_seconds() - before
    server.require_alive()
    servers.require_success(server.name, report)
    return cpu_seconds, report


def measure_shape(options, shape: Tuple[int, int], placement) -> Dict[str, Slices]:
    commands = servers.commands(options.servers, options.bin_dir)
    order = random.Random(options.seed)
    results = {name: Slices() for name in commands}
    with processes.Processes() as running:
        started = [running.start_server(name, command, placement.server)
                   for name, command in commands.items()]
        client = start_client(options, shape, running, [server.address for server in started],
                              placement.client)
        for target, server in enumerate(started):
            measure_slice(client, server, target, WARMUP_MS)
        # A server is idle outside its slices, so the sums of ticks need no reading in between.
        splits = [server.cpu_split_seconds() for server in started]
        for _ in range(options.rounds):
            turns = list(enumerate(started))
            order.shuffle(turns)
            for target, server in turns:
                results[server.name].add(
                    *measure_slice(client, server, target, options.slice_ms))
        for server, (user_before, system_before) in zip(started, splits):
            user, system = server.cpu_split_seconds()
            user, system = user - user_before, system - system_before
            results[server.name].user_share = user / max(user + system, 1e-9)
            server.terminate()
    return results


def shape_rows(prefix: str, results: Dict[str, Slices]) -> List[rows.Row]:
    result = []
    base = results.get(servers.BASELINE)
    base_name = f"{prefix}/{servers.BASELINE}"
    for server, slices in results.items():
        name = f"{prefix}/{server}"
        cpu_us = rows.median(slices.cpu_us)
        runs = len(slices.cpu_us)
        result.append(rows.summary_row(f"{name}/cpu_per_request", slices.cpu_us, "us"))
        for part, share in (("user", slices.user_share), ("system", 1 - slices.user_share)):
            result.append(
                rows.Row(f"{name}/cpu_{part}_per_request", cpu_us * share, "us", runs=runs))
        result.append(
            rows.summary_row(f"{name}/requests_per_second", slices.requests_per_s, "1/s"))
        result.append(rows.summary_row(f"{name}/latency_p50", slices.p50_us, "us"))
        result.append(rows.summary_row(f"{name}/latency_p99", slices.p99_us, "us"))
        if base is None or server == servers.BASELINE:
            continue
        for quantity, values, others in (
                ("cpu_per_request", slices.cpu_us, base.cpu_us),
                ("requests_per_second", slices.requests_per_s, base.requests_per_s),
                ("latency_p50", slices.p50_us, base.p50_us)):
            result += rows.ratio_row(
                f"{name}/{quantity}", values, f"{base_name}/{quantity}", others)
        result += rows.ratio_quartile_rows(f"{name}/cpu_per_request", slices.cpu_us,
                                           f"{base_name}/cpu_per_request", base.cpu_us)
    return result


def count_instructions(name: str, command: List[str], options, shape: Tuple[int, int],
                       requests: int) -> int:
    """User instructions of a server's whole life, with `requests` calls in it."""
    with tempfile.TemporaryDirectory() as directory, processes.Processes() as running:
        server = running.start_server(name, callgrind.command(command, directory),
                                      timeout_seconds=callgrind.TIMEOUT_SECONDS)
        client = running.start_client(
            processes.require_binary(options.bin_dir, servers.CLIENT), [server.address],
            [f"--connections={shape[0]}", f"--streams={shape[1]}",
             f"--payload_bytes={options.payload_bytes}"])
        servers.require_success(
            name, client.requests(0, requests, timeout_seconds=callgrind.TIMEOUT_SECONDS))
        client.write_line("quit")
        client.wait(processes.STOP_TIMEOUT_SECONDS)
        server.terminate(callgrind.TIMEOUT_SECONDS)
        return callgrind.total(server)


def callgrind_rows(options, shape: Tuple[int, int]) -> List[rows.Row]:
    if not callgrind.available():
        return []
    prefix = f"echo/{shape[0]}x{shape[1]}"
    counts = {}
    for name, command in servers.commands(options.servers, options.bin_dir).items():
        few, many = (
            count_instructions(name, command, options, shape, requests)
            for requests in (CALLGRIND_WARMUP_REQUESTS,
                             CALLGRIND_WARMUP_REQUESTS + CALLGRIND_REQUESTS))
        counts[name] = (many - few) / CALLGRIND_REQUESTS
    result = []
    quantity = "user_instructions_per_request"
    for name, count in counts.items():
        result.append(rows.Row(f"{prefix}/{name}/{quantity}", count, "instructions"))
        if name != servers.BASELINE and servers.BASELINE in counts:
            result.append(
                rows.Row(f"{prefix}/{name}/{quantity}_ratio", count / counts[servers.BASELINE],
                         rows.RATIO, f"{prefix}/{servers.BASELINE}/{quantity}"))
    return result


def run(options) -> List[rows.Row]:
    if options.quick:
        options.shapes, options.rounds, options.slice_ms = options.shapes[:2], 3, 100
    placement = processes.choose_placement()
    processes.warn_if_busy()
    result = []
    for shape in options.shapes:
        prefix = f"echo/{shape[0]}x{shape[1]}"
        processes.note(f"{prefix}: {options.rounds} rounds of {options.slice_ms} ms a server")
        result += shape_rows(prefix, measure_shape(options, shape, placement))
    if options.callgrind:
        result += callgrind_rows(options, options.shapes[0])
    return result
