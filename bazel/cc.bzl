"""The only callers of Bazel's cc_* rules.

Every target is private unless its BUILD file widens it to a layer's users
(`visibility = ["//platform:users_of_fiber"]`), is linked statically, and is compiled with
warnings as errors. `copts`, `linkopts`, `tags` and the like go through to the native rule.
"""

WEFT_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
]

# Generated code: other people's style, so no warnings; and no sanitizer, which would make its
# compilation several times as long and watch nothing of ours.
WEFT_GENERATED_COPTS = [
    "-w",
    "-fno-sanitize=all",
]

_PRIVATE_SYMBOLS = "@system//:private_symbols.lds"

# No executable may offer its static gRPC, Protobuf or Abseil to shared objects that were built
# against the shared ones: docs/adr/0001-static-grpc-beside-shared-opentelemetry.md.
_EXECUTABLE_LINKOPTS = [
    "-Wl,--exclude-libs,ALL",
    "-Wl,--version-script=$(location %s)" % _PRIVATE_SYMBOLS,
    "-pthread",
]

_PRIVATE = ["//visibility:private"]

def weft_cc_library(name, copts = [], visibility = None, **kwargs):
    """A library: usually one header, its source, and the targets it includes.

    Args:
      name: the concept's name, which is also that of its files.
      copts: added to the common flags.
      visibility: private to the package unless given here or as the package's default.
      **kwargs: srcs, hdrs, deps, linkopts, defines, testonly, tags ... of cc_library.
    """
    native.cc_library(
        name = name,
        copts = WEFT_COPTS + copts,
        linkstatic = True,
        visibility = visibility,
        **kwargs
    )

def _objects_linked_directly_impl(ctx):
    objects = ctx.attr.objects[OutputGroupInfo].compilation_outputs
    linker_input = cc_common.create_linker_input(
        owner = ctx.label,
        user_link_flags = depset([object.path for object in objects.to_list()] + ctx.attr.linkopts),
        additional_inputs = objects,
    )
    own = CcInfo(linking_context = cc_common.create_linking_context(
        linker_inputs = depset([linker_input]),
    ))
    deps = [dep[CcInfo] for dep in ctx.attr.deps]
    return [cc_common.merge_cc_infos(direct_cc_infos = [own], cc_infos = deps)]

_objects_linked_directly = rule(
    implementation = _objects_linked_directly_impl,
    attrs = {
        "objects": attr.label(),
        "linkopts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
    },
)

def weft_cc_interposer(name, linkopts = [], deps = [], visibility = None, **kwargs):
    """A library whose functions stand in for those of shared libraries, for these themselves too.

    Its objects are linked as such, all of them: what comes from an archive is exported by no
    executable (--exclude-libs, above), so that shared libraries would not find it.

    Args:
      name: the concept's name.
      linkopts: for every executable that depends on it.
      deps: what it includes.
      visibility: as for weft_cc_library.
      **kwargs: srcs, copts ... of weft_cc_library; no hdrs.
    """
    weft_cc_library(name = name + "_objects", deps = deps, visibility = _PRIVATE, **kwargs)
    _objects_linked_directly(
        name = name,
        objects = name + "_objects",
        linkopts = linkopts,
        deps = deps,
        visibility = visibility,
    )

def weft_generated_cc_library(name, copts = [], visibility = None, **kwargs):
    """A library of generated sources: compiled without warnings. For bazel/*.bzl."""
    native.cc_library(
        name = name,
        copts = WEFT_GENERATED_COPTS + copts,
        linkstatic = True,
        visibility = visibility,
        **kwargs
    )

def weft_cc_binary(name, copts = [], linkopts = [], visibility = None, **kwargs):
    """An executable."""
    native.cc_binary(
        name = name,
        additional_linker_inputs = [_PRIVATE_SYMBOLS],
        copts = WEFT_COPTS + copts,
        linkopts = _EXECUTABLE_LINKOPTS + linkopts,
        linkstatic = True,
        visibility = visibility,
        **kwargs
    )

def weft_cc_test(name, copts = [], linkopts = [], deps = [], size = "small", **kwargs):
    """A GoogleTest test; main() comes from @system//:gtest, which is added.

    Args:
      name: by habit the tested unit's name and "_test".
      copts: added to the common flags.
      linkopts: added to the common flags.
      deps: what the test includes; add "@system//:gmock" for matchers and mocks.
      size: "small" unless the test starts processes or opens many connections.
      **kwargs: srcs, data, args, env, tags, shard_count ... of cc_test.
    """
    native.cc_test(
        name = name,
        additional_linker_inputs = [_PRIVATE_SYMBOLS],
        copts = WEFT_COPTS + copts,
        linkopts = _EXECUTABLE_LINKOPTS + linkopts,
        linkstatic = True,
        size = size,
        visibility = _PRIVATE,
        deps = deps + ["@system//:gtest"],
        **kwargs
    )

def weft_cc_fuzz_test(name, copts = [], deps = [], size = "small", tags = [], **kwargs):
    """A fuzz target: a source with LLVMFuzzerTestOneInput(). See tests/fuzz/README.md.

    As a test it runs the inputs of tests/fuzz/corpus/<name without _fuzz> and mutations of them;
    with --config=fuzz it becomes libFuzzer's program, for ./weft fuzz.

    Args:
      name: the fuzzed unit's name and "_fuzz".
      copts: added to the common flags.
      deps: what the target includes.
      size: as for weft_cc_test.
      tags: "fuzz" is added.
      **kwargs: srcs ... of cc_test.
    """
    corpus = name[:-len("_fuzz")]
    native.cc_test(
        name = name,
        additional_linker_inputs = [_PRIVATE_SYMBOLS],
        args = ["tests/fuzz/corpus/" + corpus],
        copts = WEFT_COPTS + copts,
        data = ["//tests/fuzz:%s_corpus" % corpus],
        # libFuzzer and the sanitizers export symbols, from archives. The fuzz targets use none of
        # the shared libraries that the private ones are kept from.
        linkopts = select({
            "//bazel:libfuzzer": ["-fsanitize=fuzzer", "-pthread"],
            "//conditions:default": _EXECUTABLE_LINKOPTS,
        }),
        linkstatic = True,
        size = size,
        tags = tags + ["fuzz"],
        visibility = _PRIVATE,
        deps = deps + select({
            "//bazel:libfuzzer": [],
            "//conditions:default": ["//tests/fuzz:driver"],
        }),
        **kwargs
    )

def weft_cc_benchmark(name, copts = [], linkopts = [], deps = [], tags = [], **kwargs):
    """A Google Benchmark executable; main() comes from @system//:benchmark, which is added.

    Run it with `./weft build --config=opt //package:name` and bazel-bin/package/name.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        additional_linker_inputs = [_PRIVATE_SYMBOLS],
        copts = WEFT_COPTS + copts,
        linkopts = _EXECUTABLE_LINKOPTS + linkopts,
        linkstatic = True,
        tags = tags + ["benchmark"],
        deps = deps + ["@system//:benchmark"],
        **kwargs
    )
