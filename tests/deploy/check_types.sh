#!/bin/bash
# Checks the rendered manifests against Kubernetes' own API types (unknown fields, wrong types,
# missing fields, removed API versions), and the dashboards against those of Grafana's schema. Needs
# node, npm and the network (npm installs the types and the compiler into a temporary folder), so it
# is no part of the default tests:
#
#   tests/deploy/check_types.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deploy=$(cd "$here/../../deploy" && pwd)

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "type check skipped: install node 18 or newer and npm to run it"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/types/package.json" "$here/types/tsconfig.json" "$work/"
if ! (cd "$work" && npm install --silent --no-audit --no-fund --no-package-lock); then
  echo "type check skipped: npm cannot install the types; it needs the network"
  exit 0
fi

# compiles FILE: whether that TypeScript file of the work folder type-checks.
compiles() {
  cp "$work/$1" "$work/checked.ts"
  (cd "$work" && node_modules/.bin/tsc --project tsconfig.json)
}

# sound NAME PROGRAM ARGUMENT: what the program writes of the argument into sound.ts type-checks.
sound() {
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/$2" "$3" >"$work/sound.ts"
  compiles sound.ts
  echo "$1: $(grep -c '^export const' "$work/sound.ts") parts match their types"
}

# The check itself: a misspelt field, a wrong type and a missing field must each be refused.
refused() {
  sed "$2" "$work/sound.ts" >"$work/broken.ts"
  if cmp -s "$work/sound.ts" "$work/broken.ts"; then
    echo "self-test: nothing was broken for: $1" >&2
    exit 1
  fi
  if compiles broken.ts >/dev/null; then
    echo "self-test: not noticed: $1" >&2
    exit 1
  fi
}

for overlay in "$deploy"/overlays/*/; do
  sound "$(basename "$overlay")" manifests_to_ts.py "$overlay"
done
refused "a misspelt field" 's/"readOnlyRootFilesystem"/"readonlyRootFilesystem"/'
refused "a wrong type" 's/"replicas": 1/"replicas": "1"/'
refused "a missing field" '/"containerPort": 50051,/d'

for dashboard in "$deploy"/monitoring/dashboards/*.json; do
  sound "$(basename "$dashboard")" dashboards_to_ts.py "$dashboard"
done
refused "a misspelt field of a dashboard" 's/"graphTooltip"/"graphTooltips"/'
refused "a value that a panel does not know" 's/"displayMode": "table"/"displayMode": "tables"/'
refused "a query without its text" '/"expr": /d'
refused "a misspelt field of a graph" 's/"fillOpacity"/"fillOpacities"/'
echo "self-test: three broken manifests and four broken dashboards were refused"
