#include "platform/base/testing/status_matchers.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace weft {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pointee;

const absl::Status kNoSku = absl::NotFoundError("no product SKU-7");

// What a failing EXPECT_THAT would say of `value`; empty when it matches.
template <typename T, typename M>
std::string Complaint(const T& value, M matcher) {
  testing::StringMatchResultListener listener;
  const testing::Matcher<const T&> of_value = testing::SafeMatcherCast<const T&>(matcher);
  if (of_value.MatchAndExplain(value, &listener)) return "";
  std::ostringstream expected;
  of_value.DescribeTo(&expected);
  return "expected: " + expected.str() + "; actual: " + listener.str();
}

TEST(IsOk, TakesStatusesAndStatusOrs) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(absl::StatusOr<int>(1), IsOk());
  EXPECT_THAT(kNoSku, Not(IsOk()));
  EXPECT_THAT(absl::StatusOr<int>(kNoSku), Not(IsOk()));
}

TEST(IsOk, FailureTellsTheStatus) {
  EXPECT_THAT(Complaint(kNoSku, IsOk()), HasSubstr("NOT_FOUND: no product SKU-7"));
  EXPECT_THAT(Complaint(absl::StatusOr<int>(kNoSku), IsOk()), HasSubstr("NOT_FOUND: no product"));
}

TEST(IsOkAndHolds, ComparesTheValueOrMatchesIt) {
  const absl::StatusOr<std::string> lamp = std::string("lamp");
  EXPECT_THAT(lamp, IsOkAndHolds("lamp"));
  EXPECT_THAT(lamp, IsOkAndHolds(HasSubstr("am")));
  EXPECT_THAT(lamp, Not(IsOkAndHolds("chair")));
  EXPECT_THAT(absl::StatusOr<std::vector<int>>(std::vector<int>{1, 2}),
              IsOkAndHolds(ElementsAre(1, 2)));
}

TEST(IsOkAndHolds, TakesValuesThatCannotBeCopied) {
  const absl::StatusOr<std::unique_ptr<int>> seven = std::make_unique<int>(7);
  EXPECT_THAT(seven, IsOkAndHolds(Pointee(7)));
  EXPECT_THAT(absl::StatusOr<std::unique_ptr<int>>(kNoSku), Not(IsOkAndHolds(Pointee(7))));
}

TEST(IsOkAndHolds, FailureTellsTheStatusOrTheValue) {
  EXPECT_THAT(Complaint(absl::StatusOr<int>(kNoSku), IsOkAndHolds(3)),
              AllOf(HasSubstr("is OK and holds a value that is equal to 3"),
                    HasSubstr("whose status is NOT_FOUND: no product SKU-7")));
  EXPECT_THAT(Complaint(absl::StatusOr<std::vector<int>>(std::vector<int>{1}),
                        IsOkAndHolds(ElementsAre(1, 2))),
              HasSubstr("1 element"));
}

TEST(StatusIs, LooksAtTheCode) {
  EXPECT_THAT(kNoSku, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(absl::StatusOr<int>(kNoSku), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(kNoSku, Not(StatusIs(absl::StatusCode::kInternal)));
  EXPECT_THAT(kNoSku, StatusIs(AnyOf(absl::StatusCode::kInternal, absl::StatusCode::kNotFound)));
  EXPECT_THAT(absl::StatusOr<int>(1), Not(StatusIs(absl::StatusCode::kNotFound)));
}

TEST(StatusIs, LooksAtTheMessage) {
  EXPECT_THAT(kNoSku, StatusIs(absl::StatusCode::kNotFound, "no product SKU-7"));
  EXPECT_THAT(kNoSku, StatusIs(absl::StatusCode::kNotFound, HasSubstr("SKU-7")));
  EXPECT_THAT(kNoSku, Not(StatusIs(absl::StatusCode::kNotFound, HasSubstr("SKU-8"))));
  EXPECT_THAT(kNoSku, Not(StatusIs(absl::StatusCode::kInternal, HasSubstr("SKU-7"))));
}

TEST(StatusIs, FailureTellsWhatWasExpectedAndTheStatus) {
  EXPECT_THAT(Complaint(kNoSku, StatusIs(absl::StatusCode::kInternal, HasSubstr("disk"))),
              AllOf(HasSubstr("INTERNAL"), HasSubstr("disk"),
                    HasSubstr("whose status is NOT_FOUND: no product SKU-7")));
}

TEST(StatusMatchers, WorkInsideOthers) {
  const std::vector<absl::Status> statuses = {absl::OkStatus(), kNoSku};
  EXPECT_THAT(statuses, ElementsAre(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
}

}  // namespace
}  // namespace weft
