"""Messages of grpc.testing for python3-grpcio, from the descriptor set that the build writes."""

import os

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_SET = os.path.join(os.environ["TEST_SRCDIR"], "grpc_proto", "testing_test_descriptors.binpb")
_POOL = descriptor_pool.DescriptorPool()
_FACTORY = message_factory.MessageFactory(_POOL)

with open(_SET, "rb") as _file:
    for _proto in descriptor_pb2.FileDescriptorSet.FromString(_file.read()).file:
        _POOL.Add(_proto)


def message(name):
    """The class of a message of the package grpc.testing."""
    return _FACTORY.GetPrototype(_POOL.FindMessageTypeByName(f"grpc.testing.{name}"))


def method_types(service, method):
    """(request class, response class) of a method of the package grpc.testing."""
    descriptor = _POOL.FindServiceByName(f"grpc.testing.{service}").FindMethodByName(method)
    return (_FACTORY.GetPrototype(descriptor.input_type),
            _FACTORY.GetPrototype(descriptor.output_type))


Empty = message("Empty")
SimpleRequest = message("SimpleRequest")
SimpleResponse = message("SimpleResponse")
StreamingInputCallRequest = message("StreamingInputCallRequest")
StreamingInputCallResponse = message("StreamingInputCallResponse")
StreamingOutputCallRequest = message("StreamingOutputCallRequest")
StreamingOutputCallResponse = message("StreamingOutputCallResponse")
