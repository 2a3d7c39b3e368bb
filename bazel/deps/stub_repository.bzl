"""A repository made of files of this workspace: stands in for one that would be downloaded."""

def _stub_repository_impl(ctx):
    ctx.file("WORKSPACE", "")
    for label, path in ctx.attr.links.items():
        ctx.symlink(label, path)
    for path, content in ctx.attr.files.items():
        ctx.file(path, content, executable = False)

stub_repository = repository_rule(
    implementation = _stub_repository_impl,
    attrs = {
        "files": attr.string_dict(doc = "Path in the repository to its content."),
        "links": attr.label_keyed_string_dict(
            doc = "File of this workspace to its path in the repository.",
            allow_files = True,
        ),
    },
)
