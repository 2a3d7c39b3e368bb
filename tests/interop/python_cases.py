"""The client's half of gRPC's interoperability tests on python3-grpcio, the peer of Weft's server.

Each function takes a channel and raises AssertionError where the server does not do as specified.
"""

import threading

import grpc

from tests.interop import testing_protos as pb

_REQUEST_BYTES = (27182, 8, 1828, 45904)
_RESPONSE_BYTES = (31415, 9, 2653, 58979)
_LARGE_REQUEST_BYTES = 271828
_LARGE_RESPONSE_BYTES = 314159
_TIMEOUT = 60  # tells a hang


class _Stub:
    def __init__(self, channel, service="TestService"):
        self._channel = channel
        self._service = service

    def call(self, method, kind):
        request, response = pb.method_types(self._service, method)
        return getattr(self._channel, kind)(f"/grpc.testing.{self._service}/{method}",
                                            request.SerializeToString, response.FromString)


def _equal(got, wanted):
    assert got == wanted, f"got {got!r}, expected {wanted!r}"


def _fails(code, call):
    try:
        call()
    except grpc.RpcError as error:
        _equal(error.code(), code)
        return error
    raise AssertionError(f"the call ended with OK, expected {code}")


def _unary(channel, request, method="UnaryCall", **options):
    return _Stub(channel).call(method, "unary_unary")(request, timeout=_TIMEOUT, **options)


def _large_request(**fields):
    request = pb.SimpleRequest(response_size=_LARGE_RESPONSE_BYTES, **fields)
    request.payload.body = bytes(_LARGE_REQUEST_BYTES)
    return request


def empty_unary(channel):
    _equal(_unary(channel, pb.Empty(), "EmptyCall"), pb.Empty())


def large_unary(channel):
    _equal(_unary(channel, _large_request()).payload.body, bytes(_LARGE_RESPONSE_BYTES))


def client_compressed_unary(channel):
    lie = _large_request(expect_compressed={"value": True})
    _fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: _unary(channel, lie))
    response = _unary(channel, lie, compression=grpc.Compression.Gzip)
    _equal(len(response.payload.body), _LARGE_RESPONSE_BYTES)
    _unary(channel, lie, compression=grpc.Compression.Deflate)
    _unary(channel, _large_request(expect_compressed={"value": False}))


def server_compressed_unary(channel):
    for compressed in (True, False):
        response = _unary(channel, _large_request(response_compressed={"value": compressed}))
        _equal(response.payload.body, bytes(_LARGE_RESPONSE_BYTES))


def client_streaming(channel):
    requests = []
    for size in _REQUEST_BYTES:
        requests.append(pb.StreamingInputCallRequest())
        requests[-1].payload.body = bytes(size)
    call = _Stub(channel).call("StreamingInputCall", "stream_unary")
    _equal(call(iter(requests), timeout=_TIMEOUT).aggregated_payload_size, sum(_REQUEST_BYTES))


def client_compressed_streaming(channel):
    request = pb.StreamingInputCallRequest(expect_compressed={"value": True})
    request.payload.body = bytes(27182)
    call = _Stub(channel).call("StreamingInputCall", "stream_unary")
    _fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: call(iter([request]), timeout=_TIMEOUT))
    response = call(iter([request, request]), timeout=_TIMEOUT, compression=grpc.Compression.Gzip)
    _equal(response.aggregated_payload_size, 2 * 27182)


def _output(channel, parameters):
    request = pb.StreamingOutputCallRequest(response_parameters=parameters)
    responses = _Stub(channel).call("StreamingOutputCall", "unary_stream")(
        request, timeout=_TIMEOUT)
    _equal([response.payload.body for response in responses],
           [bytes(parameter["size"]) for parameter in parameters])


def server_streaming(channel):
    _output(channel, [{"size": size} for size in _RESPONSE_BYTES])


def server_compressed_streaming(channel):
    _output(channel, [{"size": 31415, "compressed": {"value": True}},
                      {"size": 92653, "compressed": {"value": False}}])


def _duplex_requests(sizes=_REQUEST_BYTES):
    for request_bytes, response_bytes in zip(sizes, _RESPONSE_BYTES):
        request = pb.StreamingOutputCallRequest(response_parameters=[{"size": response_bytes}])
        request.payload.body = bytes(request_bytes)
        yield request


def _duplex(channel, method="FullDuplexCall"):
    return _Stub(channel).call(method, "stream_stream")


def ping_pong(channel):
    responses = _duplex(channel)(_duplex_requests(), timeout=_TIMEOUT)
    _equal([len(response.payload.body) for response in responses], list(_RESPONSE_BYTES))


def half_duplex(channel):
    responses = _duplex(channel, "HalfDuplexCall")(_duplex_requests(), timeout=_TIMEOUT)
    _equal([len(response.payload.body) for response in responses], list(_RESPONSE_BYTES))


def empty_stream(channel):
    _equal(list(_duplex(channel)(iter([]), timeout=_TIMEOUT)), [])


def cancel_after_begin(channel):
    cancelled = threading.Event()

    def requests():
        cancelled.wait(_TIMEOUT)  # One that ended would let the server answer first.
        yield from ()

    future = _Stub(channel).call("StreamingInputCall", "stream_unary").future(
        requests(), timeout=_TIMEOUT)
    future.cancel()
    cancelled.set()
    assert future.cancelled()
    _equal(future.code(), grpc.StatusCode.CANCELLED)


def cancel_after_first_response(channel):
    responses = _duplex(channel)(_duplex_requests(), timeout=_TIMEOUT)
    _equal(len(next(responses).payload.body), _RESPONSE_BYTES[0])
    responses.cancel()
    _equal(responses.code(), grpc.StatusCode.CANCELLED)


def timeout_on_sleeping_server(channel):
    request = pb.StreamingOutputCallRequest(
        response_parameters=[{"size": 1, "interval_us": 60_000_000}])
    _fails(grpc.StatusCode.DEADLINE_EXCEEDED,
           lambda: list(_duplex(channel)(iter([request]), timeout=0.001)))


def _status(channel, message):
    wanted = {"code": 2, "message": message}
    error = _fails(grpc.StatusCode.UNKNOWN,
                   lambda: _unary(channel, pb.SimpleRequest(response_status=wanted)))
    _equal(error.details(), message)
    request = pb.StreamingOutputCallRequest(response_status=wanted)
    error = _fails(grpc.StatusCode.UNKNOWN,
                   lambda: list(_duplex(channel)(iter([request]), timeout=_TIMEOUT)))
    _equal(error.details(), message)


def status_code_and_message(channel):
    _status(channel, "test status message")


def special_status_message(channel):
    _status(channel, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")


def custom_metadata(channel):
    initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
    trailing = ("x-grpc-test-echo-trailing-bin", b"\x0a\x0b\x0a\x0b\x0a\x0b")
    _, call = _Stub(channel).call("UnaryCall", "unary_unary").with_call(
        _large_request(), timeout=_TIMEOUT, metadata=(initial, trailing))
    assert initial in tuple(call.initial_metadata()), call.initial_metadata()
    assert trailing in tuple(call.trailing_metadata()), call.trailing_metadata()
    responses = _duplex(channel)(_duplex_requests(), timeout=_TIMEOUT,
                                 metadata=(initial, trailing))
    _equal(len(list(responses)), len(_RESPONSE_BYTES))
    assert initial in tuple(responses.initial_metadata())
    assert trailing in tuple(responses.trailing_metadata())


def unimplemented_method(channel):
    _fails(grpc.StatusCode.UNIMPLEMENTED,
           lambda: _unary(channel, pb.Empty(), "UnimplementedCall"))


def unimplemented_service(channel):
    call = _Stub(channel, "UnimplementedService").call("UnimplementedCall", "unary_unary")
    _fails(grpc.StatusCode.UNIMPLEMENTED, lambda: call(pb.Empty(), timeout=_TIMEOUT))


ALL = (
    empty_unary, large_unary, client_compressed_unary, server_compressed_unary, client_streaming,
    client_compressed_streaming, server_streaming, server_compressed_streaming, ping_pong,
    half_duplex, empty_stream, cancel_after_begin, cancel_after_first_response,
    timeout_on_sleeping_server, status_code_and_message, special_status_message, custom_metadata,
    unimplemented_method, unimplemented_service,
)
