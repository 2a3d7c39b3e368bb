"""A receiver of OTLP over HTTP, as a collector has it, and ones that are of no use."""

import dataclasses
import http.server
import threading

from tests.integration import protos

_otlp = protos.Package("weft.otlp_test.v1")
_ERROR = 2  # Span.Status.ERROR


@dataclasses.dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: str  # SERVER, CLIENT, INTERNAL
    trace_id: str
    span_id: str
    parent_id: str  # empty for a root
    attributes: dict
    events: tuple
    failed: bool
    nanos: int


def _values(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
            for one in attributes}


def spans_of(body):
    """The spans of one request; google.protobuf.message.DecodeError for anything else."""
    request = _otlp.ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes).get("service.name", "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(service, span.name, _otlp.Span.Kind.Name(span.kind),
                           span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                           _values(span.attributes),
                           tuple((event.name, tuple(sorted(_values(event.attributes).items())))
                                 for event in span.events),
                           span.status.code == _ERROR,
                           span.end_time_unix_nano - span.start_time_unix_nano)


class Receiver:
    """Takes spans at `url` until close(). What it does with a request is `answer`, a status."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans = []
        self.wrong = []  # requests that are not OTLP over HTTP
        self.requests = 0
        self.answer = 200
        self._may_answer = threading.Event()
        self._may_answer.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.path, self.headers["content-type"], body)
                try:
                    self.send_response(receiver.answer)
                    self.send_header("content-type", "application/x-protobuf")
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    pass  # The exporter has given up.

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, path, content_type, body):
        try:
            spans = list(spans_of(body))
        except Exception as error:  # pylint: disable=broad-except
            spans = []
            self.wrong.append(str(error))
        if (path, content_type) != ("/v1/traces", "application/x-protobuf"):
            self.wrong.append(f"{path} {content_type}")
        self._may_answer.wait()
        with self._lock:
            self.requests += 1
            if self.answer == 200:
                self._spans += spans

    def spans(self):
        with self._lock:
            return list(self._spans)

    def hang(self):
        """Requests are read and not answered, until go_on()."""
        self._may_answer.clear()

    def go_on(self):
        self._may_answer.set()

    def close(self):
        """Idempotent. From then on nobody listens at `url`."""
        self.go_on()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
