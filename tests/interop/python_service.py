"""grpc.testing.TestService on python3-grpcio, the peer of Weft's client.

It cannot tell whether a request came compressed, so the cases that ask for that are left out.
"""

import concurrent.futures
import time

import grpc

from tests.interop import testing_protos as pb

LEFT_OUT = {"client_compressed_unary", "client_compressed_streaming"}


def _echo_metadata(context):
    sent = dict(context.invocation_metadata())
    if "x-grpc-test-echo-initial" in sent:
        context.send_initial_metadata(
            [("x-grpc-test-echo-initial", sent["x-grpc-test-echo-initial"])])
    if "x-grpc-test-echo-trailing-bin" in sent:
        context.set_trailing_metadata(
            [("x-grpc-test-echo-trailing-bin", sent["x-grpc-test-echo-trailing-bin"])])


def _abort_if_asked(request, context):
    if request.response_status.code != 0:
        code = next(c for c in grpc.StatusCode if c.value[0] == request.response_status.code)
        context.abort(code, request.response_status.message)


def _empty_call(_request, context):
    _echo_metadata(context)
    return pb.Empty()


def _unary_call(request, context):
    if request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    _echo_metadata(context)
    _abort_if_asked(request, context)
    response = pb.SimpleResponse()
    response.payload.body = bytes(request.response_size)
    return response


def _responses(request, context):
    for wanted in request.response_parameters:
        time.sleep(wanted.interval_us / 1e6)  # what the request asks of the server
        if not wanted.compressed.value:
            context.disable_next_message_compression()
        response = pb.StreamingOutputCallResponse()
        response.payload.body = bytes(wanted.size)
        yield response


def _streaming_output_call(request, context):
    if any(wanted.compressed.value for wanted in request.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    _echo_metadata(context)
    yield from _responses(request, context)


def _streaming_input_call(requests, context):
    _echo_metadata(context)
    return pb.StreamingInputCallResponse(
        aggregated_payload_size=sum(len(request.payload.body) for request in requests))


def _full_duplex_call(requests, context):
    _echo_metadata(context)
    for request in requests:
        _abort_if_asked(request, context)
        yield from _responses(request, context)


def _half_duplex_call(requests, context):
    _echo_metadata(context)
    for request in list(requests):
        yield from _responses(request, context)


def start(credentials=None):
    """(server, port) on the loopback interface; the caller stops it."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    methods = {
        "EmptyCall": (grpc.unary_unary_rpc_method_handler, _empty_call),
        "UnaryCall": (grpc.unary_unary_rpc_method_handler, _unary_call),
        "CacheableUnaryCall": (grpc.unary_unary_rpc_method_handler, _unary_call),
        "StreamingOutputCall": (grpc.unary_stream_rpc_method_handler, _streaming_output_call),
        "StreamingInputCall": (grpc.stream_unary_rpc_method_handler, _streaming_input_call),
        "FullDuplexCall": (grpc.stream_stream_rpc_method_handler, _full_duplex_call),
        "HalfDuplexCall": (grpc.stream_stream_rpc_method_handler, _half_duplex_call),
    }
    handlers = {}
    for name, (kind, function) in methods.items():
        request, _ = pb.method_types("TestService", name)
        handlers[name] = kind(function, request.FromString,
                              lambda response: response.SerializeToString())
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.testing.TestService", handlers),))
    address = "127.0.0.1:0"
    port = (server.add_insecure_port(address) if credentials is None
            else server.add_secure_port(address, credentials))
    server.start()
    return server, port
