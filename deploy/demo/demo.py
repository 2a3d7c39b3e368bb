"""The demo: three services, real gRPC load on them, and what they say about themselves.

    python3 deploy/demo/demo.py --bin-dir bazel-bin [--for 30s] [--rate 500] [--json report.json]

`./weft demo` runs it after building. Without --for it runs until Ctrl+C. Nothing stays behind: all
processes end, and their files are in a temporary folder. The exit code is 0 when calls were made
and every one of them succeeded.
"""

import argparse
import contextlib
import json
import os
import queue
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from deploy.demo import children, metrics, prometheus, report  # noqa: E402

_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$")
_LOAD_BINARY = ("services", "storefront", "load", "offer_load")
_SAMPLE_SECONDS = 2.0  # between two looks at /metrics


def parse_duration(text):
    """Seconds of "30s", "1m30s", "2h" or "45"."""
    match = _DURATION.match(text.strip())
    if not match or not any(match.groups()):
        raise argparse.ArgumentTypeError(f'{text!r} is no duration: write it as "30s" or "2m"')
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total <= 0:
        raise argparse.ArgumentTypeError("the duration must be more than zero")
    return total


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="./weft demo", description="Runs three Weft services under load and reports on them.")
    parser.add_argument("--bin-dir", required=True, help="where the build put the binaries")
    parser.add_argument("--for", dest="seconds", type=parse_duration, metavar="DURATION",
                        help='how long, such as "30s"; without it until Ctrl+C')
    parser.add_argument("--rate", type=float, default=None,
                        help="calls a second (500); 0: as fast as the answers come")
    parser.add_argument("--concurrency", type=int, default=64,
                        help="calls in flight at most (64)")
    parser.add_argument("--json", metavar="FILE", help="write the report there, too")
    parser.add_argument("--no-prometheus", action="store_true",
                        help="start no Prometheus even if it is installed")
    options = parser.parse_args(argv)
    if not 1 <= options.concurrency <= 10_000:
        parser.error("--concurrency must be 1 to 10000")
    if options.rate is None:
        # Who asks for a concurrency alone wants to see that many calls in flight.
        asked = any(item.split("=")[0] == "--concurrency" for item in argv)
        options.rate = 0 if asked else 500
    if options.rate < 0:
        parser.error("--rate must not be negative")
    return options


def missing_binaries(bin_dir):
    paths = [children.shop_binary(bin_dir, name) for name in report.SERVICES]
    paths.append(os.path.join(bin_dir, *_LOAD_BINARY))
    return [path for path in paths if not os.access(path, os.X_OK)]


class Interrupted(Exception):
    """Ctrl+C or SIGTERM before there was any load, or a second time."""


class Demo:
    """One run: made, then run() once."""

    def __init__(self, options, temp_dir):
        self.options = options
        self.temp_dir = temp_dir
        self.services = {}
        self.load = None
        self.stopping = False
        self.watch = {name: report.ServiceWatch() for name in report.SERVICES}
        self.progress = report.Progress(sys.stdout)

    def on_signal(self, *_):
        if self.load is None or self.stopping:
            raise Interrupted()
        self.stopping = True
        self.load.terminate()  # it prints its totals and ends, and so does the loop below

    def run(self):
        with contextlib.ExitStack() as stack:
            flags = {name: ["--log.level=warning"] for name in report.SERVICES}
            # Every call in flight may wait for the database: none is to be refused here.
            flags["catalog"].append(f"--catalog.queue={self.options.concurrency}")
            self.services = children.start_shop(self.options.bin_dir, self.temp_dir, flags)
            stack.callback(lambda: children.stop_all(self.services.values()))
            prometheus_child = None
            if not self.options.no_prometheus:
                prometheus_child = prometheus.start(self.services, self.temp_dir)
            if prometheus_child:
                stack.callback(prometheus_child.stop)
            report.print_addresses(self.services, prometheus_child, self.options.seconds)
            self.sample_metrics(loaded=False)
            self.start_load()
            stack.callback(self.load.stop)
            final = self.follow_load()
            self.sample_metrics(loaded=False)
        return self.finish(final)

    def start_load(self):
        argv = [os.path.join(self.options.bin_dir, *_LOAD_BINARY),
                f"--target={self.services['storefront'].grpc_address}",
                f"--concurrency={self.options.concurrency}", f"--rate={self.options.rate}"]
        if self.options.seconds:
            argv.append(f"--for={self.options.seconds}s")
        self.load = children.Child("offer_load", argv,
                                   os.path.join(self.temp_dir, "offer_load.stderr"))

    def follow_load(self):
        """Shows progress until the load has ended; returns its totals."""
        next_sample = time.monotonic() + _SAMPLE_SECONDS
        elapsed = 0.0
        while True:
            self.check_services()
            if time.monotonic() >= next_sample:
                self.sample_metrics()
                next_sample += _SAMPLE_SECONDS
            try:
                line = self.load.next_line(timeout=0.5)
            except queue.Empty:
                continue
            if line is None:
                self.progress.end()
                raise children.ChildError(self.load.failure())
            span = json.loads(line)
            if span.get("final"):
                self.progress.end()
                return span
            elapsed += span["seconds"]
            self.progress.show(elapsed, span, sum(watch.fibers for watch in self.watch.values()))

    def check_services(self):
        for service in self.services.values():
            if not service.running():
                self.progress.end()
                raise children.ChildError(service.failure())

    def sample_metrics(self, loaded=True):
        for name, service in self.services.items():
            try:
                self.watch[name].add(metrics.Metrics.fetch(service.admin_url), loaded)
            except OSError as error:
                self.check_services()  # says more, if that is why
                raise children.ChildError(
                    f"{name}: {service.admin_url}/metrics: {error}") from error

    def finish(self, final):
        """All processes have ended: reports, and returns the exit code."""
        result = report.make_result(final, self.services, self.watch)
        report.print_result(result)
        if self.options.json:
            with open(self.options.json, "w", encoding="utf-8") as file:
                json.dump(result, file, indent=2)
                file.write("\n")
        bad = {name: service for name, service in self.services.items()
               if service.process.returncode != 0}
        for service in bad.values():
            print(f"demo: {service.failure()}", file=sys.stderr)
        return 0 if result["calls"] > 0 and result["errors"] == 0 and not bad else 1


def main(argv):
    options = parse_arguments(argv)
    missing = missing_binaries(options.bin_dir)
    if missing:
        print(f"demo: not built: {missing[0]}: run ./weft build first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="weft-demo-") as temp_dir:
        demo = Demo(options, temp_dir)
        signal.signal(signal.SIGINT, demo.on_signal)
        signal.signal(signal.SIGTERM, demo.on_signal)
        try:
            return demo.run()
        except children.ChildError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        except Interrupted:
            demo.progress.end()
            print("demo: interrupted", file=sys.stderr)
            return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
