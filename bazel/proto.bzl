"""weft_proto_library: everything that is made of a .proto file.

Import paths and C++ include paths both start at the workspace root:
`import "proto/catalog/v1/catalog.proto";` and `#include "proto/catalog/v1/catalog.pb.h"`.
Google's well-known files (`google/protobuf/timestamp.proto`) need no dependency.
"""

load("//bazel:cc.bzl", "weft_generated_cc_library")

# The generator of handler base classes and stubs, and what its output includes.
_WEFT_PLUGIN = "@weft//platform/rpc/codegen:protoc-gen-weft"
_WEFT_RUNTIME = "@weft//platform:generated_code_runtime"

def _import_root(proto):
    """The folder that import paths of this library start from; "" for the workspace."""
    root = proto.proto_source_root
    return "" if root == "." else root

def _import_path(source, root):
    path = source.path
    return path[len(root) + 1:] if root and path.startswith(root + "/") else path

def _include_args(args, proto):
    # The workspace last: a file below another root must not be found under a longer name first.
    roots = proto.transitive_proto_path.to_list()
    args.add_all([root for root in roots if root != "."], format_each = "-I%s")
    args.add_all(["-I.", "-I/usr/include"])

def _proto_codegen_impl(ctx):
    proto = ctx.attr.proto[ProtoInfo]
    root = _import_root(proto)
    outputs = []
    for source in proto.direct_sources:
        stem = source.owner.name[:-len(".proto")]
        outputs.extend([ctx.actions.declare_file(stem + end) for end in ctx.attr.extensions])

    args = ctx.actions.args()
    _include_args(args, proto)
    out = ctx.bin_dir.path + ("/" + root if root else "")
    tools = []
    if ctx.attr.plugin_path:
        args.add("--plugin=protoc-gen-%s=%s" % (ctx.attr.generator, ctx.attr.plugin_path))
    elif ctx.executable.plugin:
        args.add(ctx.executable.plugin, format = "--plugin=protoc-gen-%s=%%s" % ctx.attr.generator)
        tools.append(ctx.executable.plugin)
    args.add("--%s_out=%s%s" % (ctx.attr.generator, ctx.attr.options, out))
    args.add_all([_import_path(source, root) for source in proto.direct_sources])
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        arguments = [args],
        inputs = proto.transitive_sources,
        outputs = outputs,
        tools = tools,
        mnemonic = "Protoc" + ctx.attr.generator.capitalize(),
        progress_message = "Generating %s C++ for %s" % (ctx.attr.generator, ctx.attr.proto.label),
        use_default_shell_env = True,
    )
    return [
        DefaultInfo(files = depset(outputs)),
        OutputGroupInfo(
            hdrs = depset([file for file in outputs if file.extension == "h"]),
            srcs = depset([file for file in outputs if file.extension == "cc"]),
        ),
    ]

_proto_codegen = rule(
    implementation = _proto_codegen_impl,
    attrs = {
        "extensions": attr.string_list(mandatory = True),
        "generator": attr.string(mandatory = True),
        "options": attr.string(doc = "Generator options, with the colon behind them."),
        # "host" rather than "exec": built once, not once for each configuration of the target.
        "plugin": attr.label(executable = True, cfg = "host"),
        "plugin_path": attr.string(doc = "A plugin that Debian installs."),
        "proto": attr.label(mandatory = True, providers = [ProtoInfo]),
    },
)

def _descriptors_impl(ctx):
    proto = ctx.attr.proto[ProtoInfo]
    root = _import_root(proto)
    output = ctx.actions.declare_file(ctx.label.name + ".binpb")
    args = ctx.actions.args()
    _include_args(args, proto)
    args.add("--include_imports")
    args.add(output, format = "--descriptor_set_out=%s")
    args.add_all([_import_path(source, root) for source in proto.direct_sources])
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        arguments = [args],
        inputs = proto.transitive_sources,
        outputs = [output],
        mnemonic = "ProtocDescriptors",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))]

_descriptors = rule(
    implementation = _descriptors_impl,
    attrs = {"proto": attr.label(mandatory = True, providers = [ProtoInfo])},
)

def _generated_library(name, proto, generator, extensions, deps, tags, visibility, **plugin):
    _proto_codegen(
        name = name + "_code",
        extensions = extensions,
        generator = generator,
        proto = proto,
        tags = tags,
        **plugin
    )
    native.filegroup(
        name = name + "_hdrs",
        srcs = [":" + name + "_code"],
        output_group = "hdrs",
        tags = tags,
    )
    native.filegroup(
        name = name + "_srcs",
        srcs = [":" + name + "_code"],
        output_group = "srcs",
        tags = tags,
    )
    weft_generated_cc_library(
        name = name,
        srcs = [":" + name + "_srcs"],
        hdrs = [":" + name + "_hdrs"],
        tags = tags,
        visibility = visibility,
        deps = deps,
    )

def weft_proto_library(name, srcs, deps = [], services = False, tags = [], visibility = None):
    """Messages, and with `services` handlers and stubs, of one or a few .proto files.

    Makes these targets:
      :name              the proto_library
      :name_cc           C++ messages: "x.pb.h"
      :name_descriptors  a FileDescriptorSet with imports: name_descriptors.binpb
    and if `services`:
      :name_weft         Weft's handler base classes and blocking stubs: "x.weft.h"
      :name_grpc         gRPC's own C++ service and stub classes: "x.grpc.pb.h"; for tests and
                         for comparison with hand-written servers

    Args:
      name: by habit the file's name without its ending.
      srcs: .proto files of this package.
      deps: other weft_proto_library targets (their plain names) that srcs import.
      services: whether srcs declare services.
      tags: of every target made.
      visibility: of every target made.
    """
    proto = ":" + name
    native.proto_library(
        name = name,
        srcs = srcs,
        tags = tags,
        visibility = visibility,
        deps = deps,
    )
    _descriptors(
        name = name + "_descriptors",
        proto = proto,
        tags = tags,
        visibility = visibility,
    )
    _generated_library(
        name = name + "_cc",
        proto = proto,
        generator = "cpp",
        extensions = [".pb.h", ".pb.cc"],
        tags = tags,
        visibility = visibility,
        deps = [_sibling(dep, "_cc") for dep in deps] + ["@system//:protobuf"],
    )
    if not services:
        return
    _generated_library(
        name = name + "_grpc",
        proto = proto,
        generator = "grpc",
        extensions = [".grpc.pb.h", ".grpc.pb.cc"],
        plugin_path = "/usr/bin/grpc_cpp_plugin",
        # Built only where a test wants it: it takes ten seconds a file, and gRPC's generator does
        # not compile for every valid .proto.
        tags = tags + ["manual"],
        visibility = visibility,
        deps = [":" + name + "_cc", "@system//:grpc"],
    )
    _generated_library(
        name = name + "_weft",
        proto = proto,
        generator = "weft",
        extensions = [".weft.h", ".weft.cc"],
        plugin = _WEFT_PLUGIN,
        tags = tags,
        visibility = visibility,
        deps = [":" + name + "_cc", _WEFT_RUNTIME],
    )

def _sibling(label, suffix):
    """The label of a target that another weft_proto_library made beside `label`."""
    if ":" in label:
        return label + suffix
    return "%s:%s%s" % (label, label.split("/")[-1], suffix)
