"""Messages and stubs for python3-grpcio, made from the descriptor sets that the build writes.

    storefront = protos.Package("storefront.v1")
    stub = storefront.stub("Storefront", channel)
    response = stub.GetOffer(storefront.GetOfferRequest(sku="SKU-000001"), timeout=10)
"""

import os

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_RUNFILES = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])

_SETS = {
    "catalog.v1": "proto/catalog/v1/catalog_descriptors.binpb",
    "pricing.v1": "proto/pricing/v1/pricing_descriptors.binpb",
    "storefront.v1": "proto/storefront/v1/storefront_descriptors.binpb",
    "weft.otlp.v1": "platform/observability/tracing/otlp_descriptors.binpb",
    "grpc.health.v1": "../grpc_proto/health_descriptors.binpb",
    "grpc.reflection.v1alpha": "../grpc_proto/reflection_descriptors.binpb",
}


class Package:
    """A proto package: its messages are attributes."""

    def __init__(self, name):
        self.name = name
        self._pool = descriptor_pool.DescriptorPool()
        self._factory = message_factory.MessageFactory(self._pool)
        files = descriptor_pb2.FileDescriptorSet()
        with open(os.path.join(_RUNFILES, _SETS[name]), "rb") as file:
            files.ParseFromString(file.read())
        for file in files.file:
            self._pool.Add(file)

    def __getattr__(self, message):
        return self._factory.GetPrototype(
            self._pool.FindMessageTypeByName(f"{self.name}.{message}"))

    def stub(self, service, channel):
        return _Stub(self._pool.FindServiceByName(f"{self.name}.{service}"), self._factory, channel)


class _Stub:
    """What grpcio's code generator would make: a callable for each method."""

    def __init__(self, service, factory, channel):
        proto = descriptor_pb2.ServiceDescriptorProto()
        service.CopyToProto(proto)
        for method, shape in zip(service.methods, proto.method):
            kind = "_".join("stream" if streams else "unary"
                            for streams in (shape.client_streaming, shape.server_streaming))
            make = getattr(channel, kind)
            setattr(self, method.name, make(
                f"/{service.full_name}/{method.name}",
                request_serializer=factory.GetPrototype(method.input_type).SerializeToString,
                response_deserializer=factory.GetPrototype(method.output_type).FromString))


def open_channel(address):
    """A channel that shares no connection with another one, and sends messages of any size."""
    return grpc.insecure_channel(address, options=[
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_send_message_length", -1),
        ("grpc.enable_http_proxy", 0),
    ])
