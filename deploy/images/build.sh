#!/bin/bash
# Makes the images of the three services from optimised binaries, with podman or docker:
#
#   deploy/images/build.sh [TAG]      (default: dev, which overlays/local uses)
#
# Needs a registry to pull the base image from. No test runs this script.
set -euo pipefail

tag=${1:-dev}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

builder=$(command -v podman || command -v docker) || {
  echo "install podman or docker to build images" >&2
  exit 1
}

services=(storefront catalog pricing)
bazel build --config=opt "${services[@]/#///services/}"
binaries=$(bazel info --config=opt bazel-bin)

# A context of the binary alone: bazel-bin is a link to a folder outside, which builders refuse.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

for service in "${services[@]}"; do
  cp --dereference "$binaries/services/$service/$service" "$context/"
  "$builder" build --file deploy/images/Containerfile --build-arg "SERVICE=$service" \
    --tag "weft/$service:$tag" "$context"
  rm -f "$context/$service"
done
