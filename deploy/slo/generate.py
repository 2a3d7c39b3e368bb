"""Writes the recording rules of the objectives in .proto files:

    bazel run //deploy/slo:generate          # for this repository: deploy/monitoring/rules/slo.yaml
    bazel run //deploy/slo:generate -- --output=/tmp/slo.yaml /tmp/shop_descriptors.binpb

The files are FileDescriptorSets with imports: weft_proto_library makes x_descriptors.binpb, and
protoc does with --include_imports --descriptor_set_out=FILE.
"""

import argparse
import os
import pathlib
import sys

from deploy.slo import objectives, rules

_ROOT = pathlib.Path(__file__).absolute().parents[2]  # of the runfiles
OUTPUT = "deploy/monitoring/rules/slo.yaml"
DESCRIPTORS = tuple(f"proto/{name}/v1/{name}_descriptors.binpb"
                    for name in ("catalog", "pricing", "storefront"))


def text_of(descriptor_files):
    """The rule file for these FileDescriptorSets."""
    header = (_ROOT / "platform/observability/metrics/buckets.h").read_text(encoding="utf-8")
    sets = [pathlib.Path(path).read_bytes() for path in descriptor_files]
    return rules.text_of(objectives.read(sets, objectives.bucket_bounds(header)))


def own_text():
    """The rule file of this repository's services."""
    return text_of(_ROOT / path for path in DESCRIPTORS)


def main(argv):
    parser = argparse.ArgumentParser(prog="generate", description=__doc__.splitlines()[0])
    parser.add_argument("descriptors", nargs="*", help="FileDescriptorSets; this repository's")
    parser.add_argument("--output", help=f"the file to write ({OUTPUT})")
    options = parser.parse_args(argv)
    output = options.output or os.path.join(os.environ["BUILD_WORKSPACE_DIRECTORY"], OUTPUT)
    try:
        text = text_of(options.descriptors) if options.descriptors else own_text()
    except objectives.ObjectiveError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 1
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
