"""Writes rendered manifests as TypeScript, for check_types.sh: each as a literal of its API type.

A literal is what the compiler checks for fields that the type does not have, which is how a
misspelt field is found.

Usage: manifests_to_ts.py KUSTOMIZATION_DIRECTORY > manifests.ts
"""

import json
import sys

import kustomization

MODULES = {
    "v1": "kubernetes-types/core/v1",
    "apps/v1": "kubernetes-types/apps/v1",
    "policy/v1": "kubernetes-types/policy/v1",
}


def main(directory):
    imports, literals = set(), []
    for index, resource in enumerate(kustomization.render(directory)):
        kind, module = resource["kind"], MODULES[resource["apiVersion"]]
        imports.add(f'import {{ {kind} }} from "{module}";')
        literal = json.dumps(resource, indent=2)
        literals.append(f"// {kind} {resource['metadata']['name']}\n"
                        f"export const resource{index}: {kind} = {literal};\n")
    print("\n".join(sorted(imports)), *literals, sep="\n\n")


if __name__ == "__main__":
    main(sys.argv[1])
