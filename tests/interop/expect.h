// Checks of the cases: they return a status that says what was expected.
#ifndef WEFT_TESTS_INTEROP_EXPECT_H_
#define WEFT_TESTS_INTEROP_EXPECT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#define WEFT_INTEROP_TRY(expression)                        \
  if (absl::Status status_ = (expression); !status_.ok()) { \
    return status_;                                         \
  }                                                         \
  static_assert(true, "to be followed by a semicolon")

namespace weft::interop {

template <typename T>
absl::Status ExpectEqual(const char* what, const T& got, const T& want) {
  if (got == want) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(what, " is ", got, ", expected ", want));
}

inline absl::Status Expect(bool holds, const char* what) {
  return holds ? absl::OkStatus() : absl::InternalError(absl::StrCat("not so: ", what));
}

inline absl::Status ExpectCode(const char* what, const absl::Status& got, absl::StatusCode want) {
  if (got.code() == want) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(what, " ended with '", got.ToString(), "', expected ",
                                          absl::StatusCodeToString(want)));
}

// `bytes` zero bytes.
inline absl::Status ExpectPayload(const std::string& body, int bytes) {
  WEFT_INTEROP_TRY(ExpectEqual("the payload's size", static_cast<int>(body.size()), bytes));
  return Expect(body.find_first_not_of('\0') == std::string::npos, "the payload is all zeros");
}

}  // namespace weft::interop

#endif  // WEFT_TESTS_INTEROP_EXPECT_H_
