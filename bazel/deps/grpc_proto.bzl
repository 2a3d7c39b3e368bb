"""The @grpc_proto repository: gRPC's own .proto files from the Debian package grpc-proto.

Import path and C++ include path are those of upstream: "grpc/health/v1/health.proto".
"""

_FOLDER = "/usr/share/grpc-proto/grpc"

# target -> (source below grpc/, targets it imports, whether it declares a service)
_PROTOS = {
    "health": ("health/v1/health.proto", [], True),
    "reflection": ("reflection/v1alpha/reflection.proto", [], True),
    "reflection_v1": ("reflection/v1/reflection.proto", [], True),
    "testing_empty": ("testing/empty.proto", [], False),
    "testing_messages": ("testing/messages.proto", [], False),
    "testing_test": ("testing/test.proto", ["testing_empty", "testing_messages"], True),
}

def _grpc_proto_repository_impl(ctx):
    if not ctx.path(_FOLDER).exists:
        fail("%s: not found: install the Debian package grpc-proto: run ./weft setup" % _FOLDER)
    build = [
        "# Written by bazel/deps/grpc_proto.bzl.",
        "load(\"@weft//bazel:proto.bzl\", \"weft_proto_library\")",
        "package(default_visibility = [\"//visibility:public\"])",
    ]
    for name, (source, deps, services) in _PROTOS.items():
        ctx.symlink("%s/%s" % (_FOLDER, source), "grpc/" + source)
        build.append("weft_proto_library(name = %r, srcs = [%r], deps = %r, services = %r)" % (
            name,
            "grpc/" + source,
            [":" + dep for dep in deps],
            services,
        ))
    ctx.file("WORKSPACE", "")
    ctx.file("BUILD", "\n".join(build) + "\n", executable = False)

grpc_proto_repository = repository_rule(
    implementation = _grpc_proto_repository_impl,
    local = True,
)
