"""Receivers of OTLP over HTTP and gRPC, as a collector has them, and ones that are of no use."""

from concurrent import futures
import dataclasses
import http.server
import threading

import grpc

from tests.integration import protos

_otlp = protos.Package("weft.otlp.v1")
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
    headers: dict = dataclasses.field(default_factory=dict)  # of the request that brought it


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
    """Takes spans until close(); a service that is started with `flags` sends them here."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        self.refuses = False
        self.wrong = []  # requests that are not OTLP
        self.flags = []
        self._start()

    def take(self, body, headers):
        """A request, which waits while nothing is answered. Whether it is accepted."""
        try:
            spans = [dataclasses.replace(span, headers=headers) for span in spans_of(body)]
        except Exception as error:  # pylint: disable=broad-except
            spans = []
            self.wrong.append(str(error))
        self._may_answer.wait()
        with self._lock:
            if not self.refuses:
                self._spans += spans
            return not self.refuses

    def spans(self):
        with self._lock:
            return list(self._spans)

    def hang(self):
        """Requests are read and not answered, until go_on()."""
        self._may_answer.clear()

    def go_on(self):
        self._may_answer.set()

    def close(self):
        """Idempotent. From then on nobody listens."""
        self.go_on()
        self._stop()


class HttpReceiver(Receiver):

    def _start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["content-length"]))
                what = (self.path, self.headers["content-type"])
                if what != ("/v1/traces", "application/x-protobuf"):
                    receiver.wrong.append(str(what))
                accepted = receiver.take(body, {key.lower(): value
                                                for key, value in self.headers.items()})
                try:
                    self.send_response(200 if accepted else 503)
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
        self.flags = [f"--tracing.otlp_endpoint=http://127.0.0.1:{self._server.server_port}"]

    def _stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GrpcReceiver(Receiver):

    _EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

    def _start(self):
        receiver = self

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                if details.method != receiver._EXPORT:  # pylint: disable=protected-access
                    receiver.wrong.append(details.method)
                    return None
                return grpc.unary_unary_rpc_method_handler(receiver._export)

        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), [Handler()])
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.flags = [f"--tracing.otlp_endpoint=http://127.0.0.1:{port}",
                      "--tracing.otlp_protocol=grpc"]

    def _export(self, body, context):
        if not self.take(body, dict(context.invocation_metadata())):
            context.abort(grpc.StatusCode.UNAVAILABLE, "full")
        return b""

    def _stop(self):
        self._server.stop(grace=None).wait()
