// Matchers of absl::Status and absl::StatusOr for GoogleTest. A failure tells the whole status.
//
//   EXPECT_THAT(store.Put(product), weft::IsOk());
//   EXPECT_THAT(store.Count(), weft::IsOkAndHolds(testing::Gt(3)));
//   EXPECT_THAT(store.Find("x"), weft::StatusIs(absl::StatusCode::kNotFound));
//   EXPECT_THAT(store.Find("x"), weft::StatusIs(absl::StatusCode::kNotFound, HasSubstr("'x'")));
//
// IsOk() and StatusIs() take both types. Two whole statuses, payloads included, are compared by
// EXPECT_EQ(a.status(), b). Any thread and any fiber; they neither park nor block.
#ifndef WEFT_PLATFORM_BASE_TESTING_STATUS_MATCHERS_H_
#define WEFT_PLATFORM_BASE_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {
namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

// Code and message, by matchers of them.
class StatusMatcher {
 public:
  StatusMatcher(testing::Matcher<absl::StatusCode> code, testing::Matcher<std::string> message)
      : code_(std::move(code)), message_(std::move(message)) {}

  template <typename T>
  bool MatchAndExplain(const T& value, testing::MatchResultListener* listener) const {
    return Match(StatusOf(value), listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool Match(const absl::Status& status, testing::MatchResultListener* listener) const;

  testing::Matcher<absl::StatusCode> code_;
  testing::Matcher<std::string> message_;
};

// An OK StatusOr, by a matcher of its value.
template <typename StatusOr>
class ValueMatcher final : public testing::MatcherInterface<StatusOr> {
 public:
  using Value = typename std::remove_cvref_t<StatusOr>::value_type;

  explicit ValueMatcher(testing::Matcher<const Value&> value) : value_(std::move(value)) {}

  bool MatchAndExplain(StatusOr value, testing::MatchResultListener* listener) const override {
    if (value.ok()) return value_.MatchAndExplain(*value, listener);
    *listener << "whose status is " << value.status();
    return false;
  }
  void DescribeTo(std::ostream* out) const override {
    *out << "is OK and holds a value that ";
    value_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << "is not OK or holds a value that ";
    value_.DescribeNegationTo(out);
  }

 private:
  const testing::Matcher<const Value&> value_;
};

// Becomes a ValueMatcher once it is known of which type.
template <typename Inner>
class AnyValueMatcher {
 public:
  explicit AnyValueMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <typename StatusOr>
  operator testing::Matcher<StatusOr>() const {  // NOLINT: gMock's way
    using Value = typename ValueMatcher<const StatusOr&>::Value;
    return testing::Matcher<StatusOr>(new ValueMatcher<const std::remove_cvref_t<StatusOr>&>(
        testing::SafeMatcherCast<const Value&>(inner_)));
  }

 private:
  Inner inner_;
};

}  // namespace internal

// OK; of a StatusOr, that there is a value.
testing::PolymorphicMatcher<internal::StatusMatcher> IsOk();

// A StatusOr that is OK and whose value matches: a value to be equal to, or a matcher of it.
template <typename Inner>
internal::AnyValueMatcher<std::decay_t<Inner>> IsOkAndHolds(Inner&& value) {
  return internal::AnyValueMatcher<std::decay_t<Inner>>(std::forward<Inner>(value));
}

// `code`: a code, or a matcher such as AnyOf(absl::StatusCode::kCancelled, …). `message`: a text to
// be equal to, or a matcher such as HasSubstr("port").
testing::PolymorphicMatcher<internal::StatusMatcher> StatusIs(
    testing::Matcher<absl::StatusCode> code, testing::Matcher<std::string> message = testing::_);

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_TESTING_STATUS_MATCHERS_H_
