"""HTTP/2 by hand (RFC 9113), for peers that do what no library lets them do."""

import socket
import struct
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL, INTERNAL_ERROR = 8, 2
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SECONDS = 60  # tells a hang from a slow machine


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes((kind, flags))
            + struct.pack(">I", stream) + payload)


HELLO = PREFACE + frame(SETTINGS, 0, 0)


def _text(value):
    """A string of HPACK, in its plainest form."""
    return bytes((len(value),)) + value


def headers(stream, method=b"Say", more=()):
    """The beginning of a call of bench.v1.Echo."""
    block = b"\x83\x86\x01" + _text(b"localhost") + b"\x04" + _text(b"/bench.v1.Echo/" + method)
    for name, value in ((b"content-type", b"application/grpc"), (b"te", b"trailers"), *more):
        block += b"\0" + _text(name) + _text(value)
    return frame(HEADERS, END_HEADERS, stream, block)


def message(stream, serialized):
    """The only message of a call."""
    return frame(DATA, END_STREAM, stream,
                 b"\0" + struct.pack(">I", len(serialized)) + serialized)


def say(payload):
    """A serialized EchoRequest or EchoReply."""
    return b"\x0a" + _text(payload)


def sleep(milliseconds):
    """A serialized SleepRequest."""
    number = b""
    while milliseconds >= 0x80:
        number += bytes((milliseconds & 0x7f | 0x80,))
        milliseconds >>= 7
    return b"\x08" + number + bytes((milliseconds,))


def receive(connection, size):
    """Fewer bytes at the connection's end."""
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            break
        received += more
    return received


def read_frame(connection):
    """(kind, flags, stream, payload); None at the connection's end."""
    head = receive(connection, 9)
    if len(head) < 9:
        return None
    size = int.from_bytes(head[:3], "big")
    return head[3], head[4], int.from_bytes(head[5:], "big"), receive(connection, size)


class Peer:
    """A connection to a service; a context manager."""

    def __init__(self, service, hello=HELLO):
        self.socket = socket.create_connection((service.host, service.ports[0]), timeout=_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def call(self, payload):
        """Whether the service echoes; closes the connection."""
        with self.socket:
            self.socket.sendall(headers(1) + message(1, say(payload)))
            data = b""
            while True:
                got = read_frame(self.socket)
                if got is None:
                    return False
                kind, flags, stream, content = got
                if stream == 1 and kind == DATA:
                    data += content
                if stream == 1 and kind == HEADERS and flags & END_STREAM:
                    return data[5:] == say(payload)

    def abort(self):
        """Ends the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class BadServer:
    """Listens, and gives each connection to `serve`, on a thread; a context manager."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection):
        with connection:
            try:
                self._serve(connection)
            except OSError:
                pass  # The client has hung up.


def reset_each_stream(connection):
    """For BadServer: speaks HTTP/2 and resets whatever begins."""
    receive(connection, len(PREFACE))
    connection.sendall(frame(SETTINGS, 0, 0))
    while True:
        got = read_frame(connection)
        if got is None:
            return
        kind, flags, stream, content = got
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            connection.sendall(frame(PING, ACK, 0, content))
        elif kind == HEADERS:
            connection.sendall(frame(RST_STREAM, 0, stream, struct.pack(">I", INTERNAL_ERROR)))
