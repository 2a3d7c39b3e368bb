// What clang 14 lacks: libstdc++'s std::source_location needs a builtin that came with clang 15.
// The toolchain includes this before every source; as far as it goes it is the standard's
// (https://eel.is/c++draft/support.srcloc).
#ifndef WEFT_BAZEL_CLANG_SOURCE_LOCATION_H_
#define WEFT_BAZEL_CLANG_SOURCE_LOCATION_H_

#if !__has_builtin(__builtin_source_location)

namespace std {

struct source_location {
  static constexpr source_location current(const char* file = __builtin_FILE(),
                                           const char* function = __builtin_FUNCTION(),
                                           unsigned line = __builtin_LINE(),
                                           unsigned column = __builtin_COLUMN()) noexcept {
    source_location location;
    location.file_ = file;
    location.function_ = function;
    location.line_ = line;
    location.column_ = column;
    return location;
  }

  constexpr const char* file_name() const noexcept { return file_; }
  constexpr const char* function_name() const noexcept { return function_; }
  constexpr unsigned line() const noexcept { return line_; }
  constexpr unsigned column() const noexcept { return column_; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  unsigned line_ = 0;
  unsigned column_ = 0;
};

}  // namespace std

#endif

#endif  // WEFT_BAZEL_CLANG_SOURCE_LOCATION_H_
