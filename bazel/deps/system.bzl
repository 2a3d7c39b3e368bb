"""The @system repository: a cc_library for each entry of libraries.bzl, over Debian packages."""

load("//bazel/deps:libraries.bzl", "ARCHIVES_LEFT_OUT", "LIBRARIES")

_HEADER = """\
# Written by bazel/deps/system.bzl.
package(default_visibility = ["//visibility:public"])

exports_files(["private_symbols.lds"])

# Tools that run during the build are compiled with "opt", and without a sanitizer.
config_setting(
    name = "shared_grpc",
    define_values = {"weft_grpc": "shared"},
    values = {"compilation_mode": "dbg"},
)
"""

# OpenTelemetry's exporters bring their own shared Protobuf and Abseil into processes that hold
# the static ones: no symbol of one copy may be bound to the other (docs/adr/0001).
_VERSION_SCRIPT = """\
/* Written by bazel/deps/system.bzl. The packages this build was linked from:
%s
*/
{
  local:
    _Z*6google8protobuf*;
    _Z*4absl*;
    _Z*4grpc*;
    grpc_*;
};
"""

def _run(ctx, command, package):
    result = ctx.execute(command)
    if result.return_code:
        fail("'%s' failed: install the Debian package %s: run ./weft setup" %
             (" ".join(command), package))
    return result.stdout.strip()

def _installed_versions(ctx):
    """Versions of the packages in use, and the missing ones."""
    packages = {library.package: True for library in LIBRARIES.values()}
    result = ctx.execute(
        ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Abbrev}\\n"] +
        sorted(packages.keys()),
    )
    versions = {}
    for line in result.stdout.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3 and fields[2] == "ii":
            versions[fields[0]] = fields[1]
    return versions, [package for package in sorted(packages.keys()) if package not in versions]

def _expand(pattern, file_names):
    """The archives that a name or a prefix pattern ("libabsl_*.a") stands for."""
    if "*" not in pattern:
        return [pattern] if pattern in file_names else []
    prefix, suffix = pattern.split("*")
    return sorted([
        name
        for name in file_names
        if name.startswith(prefix) and name.endswith(suffix) and name not in ARCHIVES_LEFT_OUT
    ])

def _shared_flags(names):
    return ["-Wl,--as-needed"] + ["-l" + name for name in names] if names else []

def _archive_flags(folder, archives):
    if not archives:
        return []
    paths = ["%s/%s" % (folder, archive) for archive in archives]
    if len(paths) == 1:
        return paths
    return ["-Wl,--start-group"] + paths + ["-Wl,--end-group"]

def _identifier(text):
    return "".join([c if c.isalnum() else "_" for c in text.elems()])

def _system_repository_impl(ctx):
    multiarch = _run(ctx, ["gcc", "-print-multiarch"], "g++")
    folder = "/usr/lib/" + multiarch
    file_names = {path.basename: True for path in ctx.path(folder).readdir()}
    versions, missing = _installed_versions(ctx)
    if missing:
        fail("Debian packages missing: %s: run ./weft setup" % " ".join(missing))

    build = [_HEADER]
    for name, library in LIBRARIES.items():
        absent = []
        archives = []
        for pattern in library.archives:
            found = _expand(pattern, file_names)
            archives.extend(found)
            if not found:
                absent.append("%s/%s" % (folder, pattern))
        for shared in library.shared:
            if "lib%s.so" % shared not in file_names and "lib%s.a" % shared not in file_names:
                # libatomic and its like live with the compiler, which finds them itself.
                if _run(ctx, ["gcc", "-print-file-name=lib%s.so" % shared], "g++")[0] != "/":
                    absent.append("%s/lib%s.so" % (folder, shared))
        if library.header:
            candidates = ["/usr/include/", "/usr/include/%s/" % multiarch]
            if not any([ctx.path(dir + library.header).exists for dir in candidates]):
                absent.append("/usr/include/" + library.header)
        if absent:
            fail("%s: not found though the Debian package %s is installed; " %
                 (", ".join(absent), library.package) + "reinstall it and run ./weft setup")

        static = _archive_flags(folder, archives) + _shared_flags(library.shared)
        shared = _shared_flags(
            [archive[len("lib"):-len(".a")] for archive in archives] + library.shared,
        )
        linkopts = repr(static)
        if library.hidden:
            linkopts = "select({\":shared_grpc\": %r, \"//conditions:default\": %r})" % (
                shared,
                static,
            )

        # System headers are no inputs of a compile action. The version among the defines makes
        # an upgraded package rebuild what uses it, in the disk cache too.
        version = "WEFT_SYSTEM_%s=%s" % (
            name.upper(),
            _identifier(versions[library.package]),
        )
        deps = repr([":" + dep for dep in library.deps])
        if library.tsan_dep:
            deps += " + select({\":shared_grpc\": [%r], \"//conditions:default\": []})" % (
                library.tsan_dep
            )
        build.append("cc_library(\n    name = %r,\n    defines = %r,\n    linkopts = %s,\n" % (
            name,
            library.defines + [version],
            linkopts,
        ) + "    deps = %s,\n)\n" % deps)

    ctx.file("WORKSPACE", "")
    ctx.file("BUILD", "\n".join(build), executable = False)
    ctx.file(
        "private_symbols.lds",
        _VERSION_SCRIPT % "\n".join(["%s %s" % item for item in sorted(versions.items())]),
        executable = False,
    )

# `local` and `configure` make Bazel look again whenever its server starts.
system_repository = repository_rule(
    implementation = _system_repository_impl,
    configure = True,
    local = True,
)
