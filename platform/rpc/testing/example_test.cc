// The example of README.md, with services that exist: Front answers with what Back says, and asks
// once more when Back is not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "platform/base/testing/status_matchers.h"
#include "platform/rpc/testing/in_process_server.h"
#include "proto/bench/v1/echo.weft.h"

namespace {

using testing::AllOf;
using testing::ElementsAre;
using weft::rpc::CallTo;
using weft::rpc::EndedWith;

class Back final : public bench::v1::EchoHandler {
 public:
  absl::StatusOr<bench::v1::EchoReply> Say(weft::CallContext&,
                                           const bench::v1::EchoRequest& request) override {
    bench::v1::EchoReply reply;
    reply.set_payload("back: " + request.payload());
    return reply;
  }
};

class Front final : public bench::v1::EchoHandler {
 public:
  explicit Front(std::shared_ptr<weft::rpc::Channel> back) : back_(std::move(back)) {}
  absl::StatusOr<bench::v1::EchoReply> Say(weft::CallContext&,
                                           const bench::v1::EchoRequest& request) override {
    auto reply = back_.Say(request);
    return absl::IsUnavailable(reply.status()) ? back_.Say(request) : reply;
  }

 private:
  bench::v1::EchoClient back_;
};

TEST(Front, AsksBackAgainWhenItIsBusy) {
  Back back_service;
  weft::rpc::InProcessServer back({&back_service});
  back.faults().Add({.most = 1, .status = absl::UnavailableError("busy")});

  Front front_service(back.channel());
  weft::rpc::InProcessServer front({&front_service});
  front.Run([&] {
    bench::v1::EchoRequest request;
    request.set_payload("hello");
    const auto reply = bench::v1::EchoClient(front.channel()).Say(request);
    ASSERT_THAT(reply, weft::IsOk());
    EXPECT_EQ(reply->payload(), "back: hello");
  });
  EXPECT_THAT(back.calls().All(),
              ElementsAre(EndedWith(weft::StatusIs(absl::StatusCode::kUnavailable, "busy")),
                          AllOf(CallTo("bench.v1.Echo/Say"), EndedWith(weft::IsOk()))));
}

TEST(Front, GivesUpWithItsCallerWhileBackHangs) {
  Back back_service;
  weft::rpc::InProcessServer back({&back_service});
  back.faults().Add({.latency = absl::InfiniteDuration()});

  Front front_service(back.channel());
  weft::rpc::InProcessServer front({&front_service});
  front.Run([&] {
    EXPECT_THAT(bench::v1::EchoClient(front.channel()).Say({}, {.timeout = absl::Milliseconds(1)}),
                weft::StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
}

}  // namespace
