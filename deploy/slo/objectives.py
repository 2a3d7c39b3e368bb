"""Service level objectives as the .proto files have them: option (weft.slo), read and checked."""

import dataclasses
import math
import re

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_EXTENSION = "weft.slo"
_METHOD_EXTENSION = "weft.method"


class ObjectiveError(Exception):
    """An option that makes no sense; the text names it and says what to write."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """One promise: `ratio` of the calls of `methods` are well."""
    slo: str  # the service, or the method that has objectives of its own
    kind: str  # availability or latency
    ratio: float
    methods: tuple  # as the label grpc_method has them: "catalog.v1.Catalog/GetProduct"
    threshold_seconds: float = None  # latency: up to here a call is fast


def bucket_bounds(header):
    """kLatencyBuckets of platform/observability/metrics/buckets.h: the bounds there are."""
    listed = re.search(r"kLatencyBuckets = \{([^}]*)\}", header)
    if not listed:
        raise ObjectiveError("no kLatencyBuckets in platform/observability/metrics/buckets.h")
    return [float(bound) for bound in listed[1].split(",")]


def read(descriptor_sets, bounds):
    """All objectives of FileDescriptorSets (bytes, with imports), ordered by their names."""
    pool, files = descriptor_pool.DescriptorPool(), {}
    for text in descriptor_sets:
        for file in descriptor_pb2.FileDescriptorSet.FromString(text).file:
            if file.name not in files:
                files[file.name] = file
                pool.Add(file)
    if "proto/weft/options.proto" not in files:
        return []  # nobody imports it, so nobody can have the option
    options = _Options(pool)
    found = []
    for file in files.values():
        for service in file.service:
            name = f"{file.package}.{service.name}" if file.package else service.name
            found += _of_service(name, service, options, bounds)
    return sorted(found, key=lambda objective: (objective.slo, objective.kind))


class _Options:
    """Reads our extensions out of options, of which Protobuf's own Python classes know nothing."""

    def __init__(self, pool):
        factory = message_factory.MessageFactory(pool)
        self._of_services = factory.GetPrototype(
            pool.FindMessageTypeByName("google.protobuf.ServiceOptions"))
        self._of_methods = factory.GetPrototype(
            pool.FindMessageTypeByName("google.protobuf.MethodOptions"))
        self._slo = pool.FindExtensionByName(_EXTENSION)
        self._method = pool.FindExtensionByName(_METHOD_EXTENSION)

    def slo_of_service(self, service):
        options = self._of_services.FromString(service.options.SerializeToString())
        return options.Extensions[self._slo] if options.HasExtension(self._slo) else None

    def slo_of_method(self, method):
        options = self._of_methods.FromString(method.options.SerializeToString())
        policy = options.Extensions[self._method]
        return policy.slo if policy.HasField("slo") else None


def _of_service(name, service, options, bounds):
    found, shared = [], []
    for method in service.method:
        own = options.slo_of_method(method)
        if own is None:
            shared.append(method)
        else:
            place = f"{name}.{method.name}: option (weft.method).slo"
            found += _checked(f"{name}/{method.name}", name, [method], own, place, bounds)
    slo = options.slo_of_service(service)
    if slo is not None:
        found += _checked(name, name, shared, slo, f"{name}: option (weft.slo)", bounds)
    return found


def _checked(slo_name, service, methods, slo, place, bounds):
    """The objectives of one option; `place` names it in errors."""
    if not slo.HasField("latency") and not slo.availability:
        raise ObjectiveError(f"{place} has neither availability nor latency: say one or both")
    if not methods:
        raise ObjectiveError(f"{place}: no method is left for it: each has objectives of its own")
    if slo.availability:
        _check_ratio(slo.availability, f"{place}.availability")
        yield Objective(slo_name, "availability", slo.availability, _names(service, methods))
    if slo.HasField("latency"):
        unary = [method for method in methods
                 if not method.client_streaming and not method.server_streaming]
        if not unary:
            raise ObjectiveError(f"{place}.latency: there is no unary method: how long a stream "
                                 "lasts is its client's choice")
        _check_ratio(slo.latency.ratio, f"{place}.latency.ratio")
        threshold = slo.latency.threshold
        seconds = threshold.seconds + threshold.nanos / 1e9
        if seconds <= 0 or not any(math.isclose(seconds, bound) for bound in bounds):
            listed = ", ".join(f"{bound:g}" for bound in bounds if bound > 0)
            raise ObjectiveError(
                f"{place}.latency.threshold is {seconds:g} s, which is no bucket bound of "
                f"grpc_server_call_duration_seconds: take one of {listed} s")
        yield Objective(slo_name, "latency", slo.latency.ratio, _names(service, unary), seconds)


def _check_ratio(ratio, place):
    if not 0 < ratio < 1:  # NaN is neither
        raise ObjectiveError(
            f"{place} is {ratio:g}: it must be more than 0 and less than 1, such as 0.999")


def _names(service, methods):
    return tuple(f"{service}/{method.name}" for method in methods)
