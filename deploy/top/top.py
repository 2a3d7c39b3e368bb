"""./weft top: what services do now, in a terminal, from the /metrics of their admin pages."""

import argparse
import os
import pathlib
import re
import shutil
import sys
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from deploy.demo import metrics  # noqa: E402
from deploy.top import readings, view  # noqa: E402

_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_TIMEOUT_SECONDS = 2


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="./weft top",
        description="Shows rates, latency, loop lag, fibers and the busiest methods of services, "
                    "from their admin pages. Ctrl+C ends it.",
        epilog="Services in Kubernetes: kubectl port-forward deploy/catalog 8080 and "
               "./weft top 127.0.0.1:8080. ./weft demo tells the addresses of its services.")
    parser.add_argument("address", nargs="+", type=_address,
                        help="HOST:PORT of a service's admin pages (its key admin.listen)")
    parser.add_argument("--interval", type=_seconds, default=2.0, metavar="SECONDS",
                        help="time between readings (default: %(default)s)")
    parser.add_argument("--methods", type=int, default=15, metavar="N",
                        help="how many methods are shown (default: %(default)s)")
    parser.add_argument("--once", action="store_true",
                        help="print one page, after one interval, and end; status 1 when a service "
                             "does not answer")
    return parser.parse_args(argv)


def _address(text):
    match = re.fullmatch(r"(?:http://)?([^/\s]+:\d+)/?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080")
    return match[1]


def _seconds(text):
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be from 0.1 to 3600 seconds")
    return seconds


def read(address):
    """(time, Metrics), or why there is none."""
    try:
        return time.monotonic(), metrics.Metrics.fetch("http://" + address, _TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        return f"answers {error.code}: are these a Weft service's admin pages?"
    except ValueError:
        return "answers, but not with metrics: are these a Weft service's admin pages?"
    except OSError as error:
        reason = getattr(error, "reason", error)
        return f"does not answer: {getattr(reason, 'strerror', None) or reason}"


def rows(before, after):
    """What the page has of each address: {address: reading} twice."""
    shown = []
    for address, now in after.items():
        earlier = before.get(address)
        if isinstance(now, str):
            shown.append((address, now))
        elif earlier is None or isinstance(earlier, str):
            shown.append((address, "answers; rates come with the next reading"))
        else:
            seconds = now[0] - earlier[0]
            shown.append((address, readings.between(earlier[1], now[1], seconds)))
    return shown


def show(lines):
    """Over what is on the terminal; into a file or a pipe one page after the other."""
    if not sys.stdout.isatty():
        print("\n".join(lines) + "\n", flush=True)
        return
    size = shutil.get_terminal_size()
    fitting = [line[:size.columns] for line in lines[:size.lines - 1]]
    sys.stdout.write(_HOME_AND_CLEAR + "\n".join(fitting) + "\n")
    sys.stdout.flush()


def main(argv):
    options = parse_arguments(argv)
    before = {address: read(address) for address in options.address}
    while True:
        time.sleep(options.interval)
        after = {address: read(address) for address in options.address}
        shown = rows(before, after)
        lines = view.page(shown, options.methods)
        if options.once:
            print("\n".join(lines))
            return 0 if all(not isinstance(row, str) for _, row in shown) else 1
        head = f"weft top, every {options.interval:g} s, {time.strftime('%H:%M:%S')}"
        show([head, "", *lines])
        before = after


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
