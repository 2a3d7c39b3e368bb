"""What Bazel's own embedded tools load from @rules_cc, by native rules.

Debian's rules_cc package does not fit Bazel 4.2.3, and nothing of ours loads rules_cc.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_alias = native.cc_toolchain_alias
cc_toolchain_suite = native.cc_toolchain_suite
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
objc_import = native.objc_import
objc_library = native.objc_library

# Only the macOS and cross toolchains use these two.
def cc_flags_supplier(name, **_kwargs):
    native.filegroup(name = name)

def compiler_flag(name, **_kwargs):
    native.filegroup(name = name)
