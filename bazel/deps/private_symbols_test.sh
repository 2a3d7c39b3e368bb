#!/bin/bash
# No executable offers its static gRPC, Protobuf or Abseil to the shared objects it loads: two
# copies are in the process, and a symbol of one bound to the other corrupts both
# (docs/adr/0001-static-grpc-beside-shared-opentelemetry.md).
set -euo pipefail

readonly BINARY=bazel/deps/deps_test
readonly FAMILIES='absl::|google::protobuf|grpc'

fail() {
  echo "FAILED: $*"
  echo "0 passed, 1 failed"
  exit 1
}

needed=$(readelf --dynamic --wide "$BINARY" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
grep -q '^libopentelemetry' <<<"$needed" || fail "$BINARY does not link OpenTelemetry"

if grep -qE '^lib(grpc|absl|protobuf)' <<<"$needed"; then
  # Only the thread sanitizer links them shared; see .bazelrc.
  grep -q '__tsan_init' <<<"$(nm --dynamic "$BINARY")" ||
    fail "$BINARY links a shared gRPC, Protobuf or Abseil"
  echo "SKIPPED: under the thread sanitizer there is one copy, the shared one"
  exit 0
fi

count=$(nm --demangle --defined-only "$BINARY" | grep -cE "$FAMILIES")
((count > 1000)) || fail "$BINARY holds no static gRPC; this test has lost its subject"

offered=$(nm --dynamic --demangle --defined-only "$BINARY" | grep -E "$FAMILIES" || true)
[[ -z $offered ]] || fail "$BINARY exports, for others to bind to:"$'\n'"$(head -20 <<<"$offered")"
echo "1 passed, 0 failed"
