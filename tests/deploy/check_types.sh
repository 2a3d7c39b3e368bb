#!/bin/bash
# Checks the rendered manifests against Kubernetes' own API types: unknown fields, wrong types,
# missing fields, removed API versions. Needs node, npm and the network (npm installs the types and
# the compiler into a temporary folder), so it is no part of the default tests:
#
#   tests/deploy/check_types.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deploy=$(cd "$here/../../deploy" && pwd)

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "type check of the manifests skipped: install node 18 or newer and npm to run it"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/types/package.json" "$here/types/tsconfig.json" "$work/"
(cd "$work" && npm install --silent --no-audit --no-fund --no-package-lock)

# compiles FILE: whether that TypeScript file of the work folder type-checks.
compiles() {
  cp "$work/$1" "$work/checked.ts"
  (cd "$work" && node_modules/.bin/tsc --project tsconfig.json)
}

for overlay in "$deploy"/overlays/*/; do
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/manifests_to_ts.py" "$overlay" >"$work/sound.ts"
  compiles sound.ts
  count=$(grep -c '^export const' "$work/sound.ts")
  echo "$(basename "$overlay"): $count resources match their types"
done

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
refused "a misspelt field" 's/"readOnlyRootFilesystem"/"readonlyRootFilesystem"/'
refused "a wrong type" 's/"replicas": 1/"replicas": "1"/'
refused "a missing field" '/"containerPort": 50051,/d'
echo "self-test: three broken manifests were refused"
