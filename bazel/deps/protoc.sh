#!/bin/sh
# Debian's protoc under the label that Bazel's native proto_library looks for.
exec /usr/bin/protoc "$@"
