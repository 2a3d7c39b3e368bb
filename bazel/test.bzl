"""Tests that are no C++ programs."""

def weft_py_test(name, srcs, main = None, size = "small", **kwargs):
    """A Python test, run by Debian's /usr/bin/python3 (so with Debian's Python packages).

    Args:
      name: the test's name.
      srcs: its files.
      main: the file to run, if there are several or it is not called <name>.py.
      size: as for every test.
      **kwargs: deps, data, args, env, tags ... of py_test.
    """
    native.py_test(
        name = name,
        srcs = srcs,
        main = main or (srcs[0] if len(srcs) == 1 else None),
        python_version = "PY3",
        size = size,
        srcs_version = "PY3",
        **kwargs
    )

def weft_py_library(name, srcs, **kwargs):
    """Python modules shared by tests."""
    native.py_library(name = name, srcs = srcs, srcs_version = "PY3", **kwargs)

def weft_py_binary(name, srcs, main = None, **kwargs):
    """A Python program, run by Debian's /usr/bin/python3."""
    native.py_binary(
        name = name,
        srcs = srcs,
        main = main or (srcs[0] if len(srcs) == 1 else None),
        python_version = "PY3",
        srcs_version = "PY3",
        **kwargs
    )

def weft_sh_test(name, srcs, size = "small", **kwargs):
    """A shell test: one script, and the files it reads as data."""
    native.sh_test(name = name, srcs = srcs, size = size, **kwargs)
