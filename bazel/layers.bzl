"""The layers: each may use only what stands to its left. The one list; tests/layering reads it.

base <- fiber <- rpc <- observability <- data <- app <- services
"""

LAYERS = [
    "base",
    "fiber",
    "rpc",
    "observability",
    "data",
    "app",
]

def layer_groups():
    """A package group for each layer: users_of_<layer> holds all who may depend on it."""
    for i, layer in enumerate(LAYERS):
        native.package_group(
            name = "users_of_" + layer,
            packages = ["//platform/%s/..." % user for user in LAYERS[i:]] + [
                "//platform",
                "//proto/...",
                "//services/...",
                "//tests/...",
            ],
        )
