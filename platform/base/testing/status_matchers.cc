#include "platform/base/testing/status_matchers.h"

namespace weft {
namespace internal {

bool StatusMatcher::Match(const absl::Status& status,
                          testing::MatchResultListener* listener) const {
  *listener << "whose status is " << status;
  return code_.Matches(status.code()) && message_.Matches(std::string(status.message()));
}

void StatusMatcher::DescribeTo(std::ostream* out) const {
  *out << "has a status code that ";
  code_.DescribeTo(out);
  *out << " and a message that ";
  message_.DescribeTo(out);
}

void StatusMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "has a status code that ";
  code_.DescribeNegationTo(out);
  *out << " or a message that ";
  message_.DescribeNegationTo(out);
}

}  // namespace internal

testing::PolymorphicMatcher<internal::StatusMatcher> IsOk() {
  return StatusIs(absl::StatusCode::kOk);
}

testing::PolymorphicMatcher<internal::StatusMatcher> StatusIs(
    testing::Matcher<absl::StatusCode> code, testing::Matcher<std::string> message) {
  return testing::MakePolymorphicMatcher(
      internal::StatusMatcher(std::move(code), std::move(message)));
}

}  // namespace weft
