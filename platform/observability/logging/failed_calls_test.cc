#include "platform/observability/logging/failed_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/testing/fake_call.h"

namespace weft::observability {
namespace {

constexpr rpc::MethodDescriptor kMethod = {"/shop.v1.Shop/Buy", rpc::MethodKind::kUnary};

// What a call that ends with `status` writes, line by line.
std::vector<nlohmann::json> LinesOf(FailedCallLog& log, const absl::Status& status, int calls = 1) {
  testing::internal::CaptureStderr();
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kMethod);
    call.set_requested_method("shop.v1.Shop/Buy");
    for (int i = 0; i < calls; ++i) {
      EXPECT_EQ(log.Intercept(call, [&] { return status; }), status);
    }
  });
  std::vector<nlohmann::json> lines;
  const std::string output = testing::internal::GetCapturedStderr();
  for (absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
    lines.push_back(nlohmann::json::parse(std::string(line)));
  }
  return lines;
}

TEST(FailedCallLog, TellsWhatTheClientDoesNotSee) {
  FailedCallLog log;
  const auto lines = LinesOf(log, absl::InternalError("disk I/O error in products"));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["method"], "shop.v1.Shop/Buy");
  EXPECT_EQ(lines[0]["code"], "INTERNAL");
  EXPECT_EQ(lines[0]["error"], "disk I/O error in products");
}

TEST(FailedCallLog, SaysNothingOfWhatIsNotTheServersFault) {
  FailedCallLog log;
  for (const absl::Status& status :
       {absl::OkStatus(), absl::NotFoundError(""), absl::InvalidArgumentError(""),
        absl::CancelledError(""), absl::DeadlineExceededError(""), absl::UnavailableError("")}) {
    EXPECT_TRUE(LinesOf(log, status).empty()) << status;
  }
}

TEST(FailedCallLog, StormIsCutAndCounted) {
  FailedCallLog log;
  constexpr int kCalls = 1000;
  const size_t written = LinesOf(log, absl::UnknownError("storm"), kCalls).size();
  EXPECT_GE(written, 20U);
  EXPECT_LT(written, 500U);
}

}  // namespace
}  // namespace weft::observability
