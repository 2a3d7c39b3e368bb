"""Trials with peers that do not behave."""

import random
import select
import signal
import struct
import threading
import time

from tests.faults import raw_http2
from tests.faults.lab import HANG_SECONDS, wait_until
from tests.faults.raw_http2 import Peer

_HOUR_MS = 3_600_000
_SEED = 7
_LORISES = 60  # of each kind
_SILENT = 40
_CONNECTS_A_MINUTE = 10_000
_CONNECTING_THREADS = 4
_TICK_SECONDS = 0.1
# Ways to end that a client is to see when its server does not speak HTTP/2 as it should.
_REFUSALS = ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED")


class _Lorises:
    """Connections that send a byte at each tick, for ever; each notes when it was closed."""

    def __init__(self, subject):
        endless = b"\0" * (1 << 14)
        head = raw_http2.frame(raw_http2.HEADERS, raw_http2.END_HEADERS, 1, endless)
        body = raw_http2.frame(raw_http2.DATA, raw_http2.END_STREAM, 1,
                               b"\0" + struct.pack(">I", len(endless) - 5) + endless[5:])
        self._left = {}
        self.lives = {}
        for _ in range(_LORISES):
            for kind, hello, slow in (
                    ("preface", b"", raw_http2.PREFACE),
                    ("headers", raw_http2.HELLO, head),
                    ("message", raw_http2.HELLO + raw_http2.headers(1), body)):
                connection = Peer(subject, hello).socket
                connection.setblocking(False)
                self._left[connection] = [kind, slow, time.monotonic()]

    def __len__(self):
        return len(self._left)

    def tick(self):
        gone = set()
        readable = _readable(self._left)
        for connection, (_, slow, _) in self._left.items():
            try:
                if connection in readable and not connection.recv(4096):
                    gone.add(connection)
                elif len(slow) > 1:
                    connection.send(slow[:1])
            except BlockingIOError:
                pass
            except OSError:
                gone.add(connection)
        for connection, entry in self._left.items():
            entry[1] = entry[1][1:]
            if connection in gone:
                life = time.monotonic() - entry[2]
                self.lives[entry[0]] = max(life, self.lives.get(entry[0], 0.0))
        for connection in gone:
            del self._left[connection]
            connection.close()

    def close(self):
        for connection in self._left:
            connection.close()


def _readable(connections):
    poll = select.poll()
    by_descriptor = {connection.fileno(): connection for connection in connections}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLIN)
    return {by_descriptor[descriptor] for descriptor, _ in poll.poll(0)}


def slow_loris(trial):
    subject = trial.start_subject(
        "--grpc.handshake_timeout=1s", "--grpc.max_connection_idle=1s",
        "--grpc.max_connection_age=3s", "--grpc.max_connection_age_grace=500ms")
    with trial.beside(subject):
        lorises = _Lorises(subject)
        trial.figure("slow connections", len(lorises))
        end = time.monotonic() + HANG_SECONDS
        while len(lorises) and time.monotonic() < end:
            lorises.tick()
            time.sleep(_TICK_SECONDS)
        trial.expect(not len(lorises), f"{len(lorises)} slow connections were left open")
        for kind, seconds in lorises.lives.items():
            trial.figure(f"slow {kind}: closed after s, the longest", seconds)
        lorises.close()
    trial.settle(subject)


def half_open(trial):
    subject = trial.start_subject("--grpc.keepalive_time=1s", "--grpc.keepalive_timeout=1s")
    with trial.beside(subject):
        usual = subject.footing().connections
        silent = [Peer(subject) for _ in range(_SILENT)]
        for peer in silent:  # Each has a call, and answers no ping.
            peer.socket.sendall(raw_http2.headers(1, b"Sleep")
                                + raw_http2.message(1, raw_http2.sleep(_HOUR_MS)))
        stopped = trial.start_callers(subject, rate=1000)
        trial.expect(wait_until(lambda: stopped.report()["codes"].get("OK", 0) > 0
                                and subject.connections() == usual + len(silent) + 4),
                     "callers that are to be stopped get no answers")
        begin = time.monotonic()
        stopped.send_signal(signal.SIGSTOP)
        trial.figure("connections that fall silent", subject.footing().connections - usual)
        trial.expect(wait_until(lambda: subject.footing().connections <= usual),
                     "the service keeps connections whose other ends are silent")
        trial.figure("all closed after s", time.monotonic() - begin)
        stopped.send_signal(signal.SIGCONT)
        stopped.report()
        trial.expect(wait_until(lambda: stopped.report()["codes"].get("OK", 0) > 0),
                     "callers that were stopped do not come back")
        stopped.finish()
        trial.judge(stopped, ("OK", "UNAVAILABLE"), "stopped and continued")
        for peer in silent:
            peer.socket.close()
    trial.settle(subject)


def stopped_server(trial):
    """A service whose process stands still: TCP goes on, nothing else does."""
    subject = trial.start_subject()
    callers = trial.start_callers(subject, timeout="500ms", rate=200)
    trial.expect(wait_until(lambda: callers.report()["codes"].get("OK", 0) > 0), "no answers")
    subject.process.send_signal(signal.SIGSTOP)
    time.sleep(trial.seconds)
    trial.expect(wait_until(lambda: callers.report()["codes"].get("DEADLINE_EXCEEDED", 0) > 0),
                 "no call ended while the service stood still")
    trial.figure("slowest call ms, of 500 allowed", callers.report()["max_ms"])
    subject.process.send_signal(signal.SIGCONT)
    begin = time.monotonic()
    trial.expect(wait_until(lambda: callers.report()["codes"].get("OK", 0) > 0),
                 "calls do not work again")
    trial.figure("answers again after s", time.monotonic() - begin)
    callers.finish()
    trial.judge(callers, ("OK", "DEADLINE_EXCEEDED"))
    trial.settle(subject)


def churn(trial):
    """10,000 connects and disconnects a minute; half of them orderly."""
    subject = trial.start_subject()
    made = [0] * _CONNECTING_THREADS
    unanswered = [0] * _CONNECTING_THREADS

    def connect(thread):
        interval = 60 * _CONNECTING_THREADS / _CONNECTS_A_MINUTE
        begin = time.monotonic()
        while time.monotonic() - begin < trial.seconds:
            number = made[thread]
            peer = Peer(subject)
            made[thread] += 1
            if number % 4 == 0:
                peer.socket.close()
            elif number % 4 == 1:
                peer.socket.sendall(raw_http2.headers(1, b"Sleep")
                                    + raw_http2.message(1, raw_http2.sleep(_HOUR_MS)))
                peer.abort()
            elif not peer.call(f"{thread}/{number}".encode()):
                unanswered[thread] += 1
            time.sleep(max(0.0, begin + made[thread] * interval - time.monotonic()))

    with trial.beside(subject):
        begin = time.monotonic()
        threads = [threading.Thread(target=connect, args=(i,)) for i in range(_CONNECTING_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trial.figure("connects", sum(made))
        trial.figure("connects a minute", sum(made) / (time.monotonic() - begin) * 60)
        trial.expect(sum(unanswered) == 0, f"{sum(unanswered)} calls of short connections failed")
    trial.settle(subject)


def reset_streams(trial):
    """A client that resets each call that it begins, as fast as it can."""
    subject = trial.start_subject()
    cancel = struct.pack(">I", raw_http2.CANCEL)
    batch = 50
    with trial.beside(subject):
        resets = connections = 0
        largest = 0
        end = time.monotonic() + trial.seconds
        while time.monotonic() < end:
            with Peer(subject) as peer:
                connections += 1
                try:
                    for first in range(1, 20_000, 2 * batch):
                        peer.socket.sendall(b"".join(
                            raw_http2.headers(stream, b"Sleep")
                            + raw_http2.message(stream, raw_http2.sleep(_HOUR_MS))
                            + raw_http2.frame(raw_http2.RST_STREAM, 0, stream, cancel)
                            for stream in range(first, first + 2 * batch, 2)))
                        resets += batch
                        largest = max(largest, subject.resident_bytes())
                        if time.monotonic() > end:
                            break
                except OSError:
                    pass  # closed by the service: also right
        trial.figure("calls begun and reset", resets)
        trial.figure("connections for that", connections)
        trial.figure("service: MiB more than at rest, at most",
                     (largest - subject.resident_at_rest) / (1 << 20))
    trial.settle(subject)


def resetting_server(trial):
    """A server that resets each call: each ends at once, with an error."""
    with raw_http2.BadServer(raw_http2.reset_each_stream) as server:
        callers = trial.start_callers(server.address, rate=500)
        time.sleep(trial.seconds)
        last = callers.finish()
        trial.judge(callers, _REFUSALS, "refused")
        trial.figure("slowest ms", last["max_ms"])
        trial.expect(sum(callers.codes.values()) > 0, "no call ended")


def _garbage(random_bytes):
    """What a peer may send instead of HTTP/2, one after the other, for ever."""
    while True:
        yield random_bytes.randbytes(random_bytes.choice((1, 24, 1000, 50_000)))
        yield raw_http2.PREFACE + random_bytes.randbytes(5000)
        # Frames whose outside is right.
        frames = b"".join(
            raw_http2.frame(random_bytes.randrange(12), random_bytes.randrange(256),
                            random_bytes.randrange(5), random_bytes.randbytes(40))
            for _ in range(20))
        yield raw_http2.HELLO + frames
        # A call whose messages are none.
        yield (raw_http2.HELLO + raw_http2.headers(1)
               + raw_http2.frame(raw_http2.DATA, raw_http2.END_STREAM, 1,
                                 b"\0\0\0\0\x20" + random_bytes.randbytes(32)))
        # Headers that are no HPACK, and such as never end.
        yield raw_http2.HELLO + raw_http2.frame(
            raw_http2.HEADERS, raw_http2.END_HEADERS, 1, random_bytes.randbytes(200))
        yield raw_http2.HELLO + raw_http2.frame(
            raw_http2.HEADERS, 0, 1, b"") + raw_http2.frame(9, 0, 1, b"\0\1a\1b" * 2000) * 4
        yield b"\x16\x03\x01\x02\x00\x01" + random_bytes.randbytes(300)  # TLS, to a port without


def garbage(trial):
    """Clients that send nonsense: those in operations_test.py, without end and beside load."""
    subject = trial.start_subject()
    sent = 0
    with trial.beside(subject):
        end = time.monotonic() + trial.seconds
        for nonsense in _garbage(random.Random(_SEED)):
            if time.monotonic() > end:
                break
            try:
                with Peer(subject, nonsense) as peer:
                    peer.socket.settimeout(0.01)  # long enough to be read, mostly
                    peer.socket.recv(4096)
            except OSError:
                pass
            sent += 1
        trial.figure("connections with garbage", sent)
    trial.settle(subject)


def garbage_server(trial):
    """A server that answers with nonsense."""
    random_bytes = random.Random(_SEED)

    def answer(connection):
        connection.recv(4096)
        if random_bytes.random() < 0.5:
            connection.sendall(raw_http2.frame(raw_http2.SETTINGS, 0, 0))
            connection.recv(4096)
        connection.sendall(random_bytes.randbytes(3000))

    with raw_http2.BadServer(answer) as server:
        callers = trial.start_callers(server.address, rate=500)
        time.sleep(trial.seconds)
        last = callers.finish()
        trial.judge(callers, _REFUSALS, "refused")
        trial.figure("slowest ms", last["max_ms"])
        trial.expect(sum(callers.codes.values()) > 0, "no call ended")


SCENARIOS = {
    "slow_loris": slow_loris,
    "half_open": half_open,
    "stopped_server": stopped_server,
    "churn": churn,
    "reset_streams": reset_streams,
    "resetting_server": resetting_server,
    "garbage": garbage,
    "garbage_server": garbage_server,
}
