"""The system libraries the build may use: one entry a library, each becomes @system//:<name>.

To add one: its Debian package to bazel/packages.txt, its entry here, a test case to
bazel/deps/deps_test.cc. Fields:

  package   the Debian package that brings it; named in the error when something is missing
  archives  static libraries, "libx.a"; "libx_*.a" takes every match; linked as one group
  hidden    True if these archives also come into the process as shared objects, by way of
            another library; they are linked shared under --config=tsan (see .bazelrc)
  shared    shared libraries, by the name after -l
  header    a header that must exist, relative to /usr/include or its multiarch folder
  defines   preprocessor defines of everything that uses the library
  deps      other entries it needs
  tsan_dep  a target that it brings along when it is linked shared
"""

def _library(
        package,
        archives = [],
        hidden = False,
        shared = [],
        header = "",
        defines = [],
        deps = [],
        tsan_dep = ""):
    return struct(
        package = package,
        archives = archives,
        hidden = hidden,
        shared = shared,
        header = header,
        defines = defines,
        deps = deps,
        tsan_dep = tsan_dep,
    )

# Matches of a pattern in `archives` that are left out: test helpers of the packages themselves.
ARCHIVES_LEFT_OUT = ["libabsl_random_internal_distribution_test_util.a"]

LIBRARIES = {
    # gRPC and what it stands on: linked statically (docs/adr/0001).
    "absl": _library(
        package = "libabsl-dev",
        archives = ["libabsl_*.a"],
        hidden = True,
        header = "absl/base/config.h",
        shared = ["pthread", "rt"],
        tsan_dep = "@weft//bazel/deps:tsan_abseil",
    ),
    "grpc": _library(
        package = "libgrpc++-dev",
        archives = [
            "libgrpc++.a",
            "libgrpc.a",
            "libupb.a",
            "libgpr.a",
            "libaddress_sorting.a",
        ],
        hidden = True,
        header = "grpcpp/grpcpp.h",
        shared = ["re2", "cares", "ssl", "crypto", "z", "atomic"],
        deps = ["protobuf", "absl"],
    ),
    "cjose": _library(
        package = "libcjose-dev",
        header = "cjose/cjose.h",
        shared = ["cjose"],
        deps = ["openssl"],
    ),
    "openssl": _library(
        package = "libssl-dev",
        header = "openssl/ssl.h",
        shared = ["ssl", "crypto"],
    ),
    "protobuf": _library(
        package = "libprotobuf-dev",
        archives = ["libprotobuf.a"],
        hidden = True,
        header = "google/protobuf/message.h",
        shared = ["z", "pthread"],
    ),
    "protoc_lib": _library(
        package = "libprotoc-dev",
        archives = ["libprotoc.a"],
        hidden = True,
        header = "google/protobuf/compiler/plugin.h",
        deps = ["protobuf"],
    ),

    # Fibers. Only //platform/fiber/internal may use these two.
    "boost_context": _library(
        package = "libboost-context1.81-dev",
        archives = ["libboost_context.a"],
        header = "boost/context/fiber.hpp",
    ),
    "boost_fiber": _library(
        package = "libboost-fiber1.81-dev",
        archives = ["libboost_fiber.a"],
        header = "boost/fiber/all.hpp",
        deps = ["boost_context"],
    ),
    "unwind": _library(
        package = "libunwind-dev",
        header = "libunwind.h",
        defines = ["UNW_LOCAL_ONLY"],
        shared = ["unwind"],
    ),

    # Telemetry.
    "opentelemetry_api": _library(
        package = "opentelemetry-cpp-dev",
        header = "opentelemetry/version.h",
        defines = ["HAVE_ABSEIL", "OPENTELEMETRY_ABI_VERSION_NO=1"],
        deps = ["absl"],
    ),
    "opentelemetry_sdk": _library(
        package = "opentelemetry-cpp-dev",
        header = "opentelemetry/sdk/trace/tracer_provider.h",
        shared = [
            "opentelemetry_trace",
            "opentelemetry_metrics",
            "opentelemetry_logs",
            "opentelemetry_resources",
            "opentelemetry_common",
            "opentelemetry_version",
        ],
        deps = ["opentelemetry_api"],
    ),
    "opentelemetry_otlp_http": _library(
        package = "opentelemetry-cpp-dev",
        header = "opentelemetry/exporters/otlp/otlp_http_exporter_factory.h",
        shared = [
            "opentelemetry_exporter_otlp_http",
            "opentelemetry_exporter_otlp_http_metric",
            "opentelemetry_exporter_otlp_http_log",
            "opentelemetry_exporter_otlp_http_client",
            "opentelemetry_otlp_recordable",
            "opentelemetry_http_client_curl",
        ],
        deps = ["opentelemetry_sdk"],
    ),
    "opentelemetry_test": _library(
        package = "opentelemetry-cpp-dev",
        header = "opentelemetry/exporters/memory/in_memory_span_exporter.h",
        shared = [
            "opentelemetry_exporter_in_memory",
            "opentelemetry_exporter_in_memory_metric",
            "opentelemetry_exporter_ostream_span",
            "opentelemetry_exporter_ostream_metrics",
            "opentelemetry_exporter_ostream_logs",
        ],
        deps = ["opentelemetry_sdk"],
    ),
    "prometheus": _library(
        package = "prometheus-cpp-dev",
        header = "prometheus/registry.h",
        shared = ["prometheus-cpp-core"],
    ),
    "spdlog": _library(
        package = "libspdlog-dev",
        header = "spdlog/spdlog.h",
        defines = ["SPDLOG_SHARED_LIB", "SPDLOG_COMPILED_LIB", "SPDLOG_FMT_EXTERNAL"],
        shared = ["spdlog", "fmt"],
    ),

    # Data and the admin server.
    "civetweb": _library(
        package = "libcivetweb-dev",
        header = "civetweb.h",
        shared = ["civetweb"],
    ),
    "nlohmann_json": _library(
        package = "nlohmann-json3-dev",
        header = "nlohmann/json.hpp",
    ),
    "sqlite3": _library(
        package = "libsqlite3-dev",
        header = "sqlite3.h",
        shared = ["sqlite3"],
    ),
    "zlib": _library(
        package = "zlib1g-dev",
        header = "zlib.h",
        shared = ["z"],
    ),

    # Tests and benchmarks. "gtest" and "benchmark" bring a main() along.
    "benchmark": _library(
        package = "libbenchmark-dev",
        archives = ["libbenchmark_main.a"],
        header = "benchmark/benchmark.h",
        deps = ["benchmark_library"],
    ),
    "benchmark_library": _library(
        package = "libbenchmark-dev",
        header = "benchmark/benchmark.h",
        shared = ["benchmark", "pthread"],
    ),
    "gmock": _library(
        package = "libgmock-dev",
        archives = ["libgmock.a"],
        header = "gmock/gmock.h",
        deps = ["gtest"],
    ),
    "gtest": _library(
        package = "libgtest-dev",
        archives = ["libgtest_main.a", "libgtest.a"],
        header = "gtest/gtest.h",
        shared = ["pthread"],
    ),
}
