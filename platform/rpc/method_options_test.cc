// What a method's options in the .proto do on both sides.
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/client/calls.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/server/handler.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

constexpr absl::Duration kTimeout = absl::Milliseconds(20);
constexpr MethodDescriptor kBounded = {
    "/test.Bounded/Wait", MethodKind::kUnary, {.default_timeout = kTimeout}};
// The same on the wire, for a client that knows nothing of the option.
constexpr MethodDescriptor kUnbounded = {"/test.Bounded/Wait", MethodKind::kUnary};

// Tells how much time each call has, then waits until its scope ends, or answers at once.
class Bounded final : public Service {
 public:
  explicit Bounded(bool waits) : waits_(waits) {
    AddMethod(kBounded, [](Service& service, ServerCall& call) {
      return HandleUnary<EchoRequest, EchoReply>(call, [&service](auto& context, auto& request) {
        return static_cast<Bounded&>(service).Wait(context, request);
      });
    });
  }

  absl::StatusOr<EchoReply> Wait(CallContext& call, const EchoRequest&) {
    left = call.deadline() - weft::Now();
    margin = call.deadline() - call.scope().deadline();
    if (waits_) {
      if (absl::Status s = weft::SleepFor(absl::InfiniteDuration()); !s.ok()) return s;
    }
    return EchoReply();
  }

  absl::Duration left;
  absl::Duration margin;

 private:
  const bool waits_;
};

// Calls `method` of a Bounded from a channel to it.
absl::Status Call(Bounded& service, const MethodDescriptor& method, const CallOptions& options = {},
                  absl::Time scope_deadline = absl::InfiniteFuture(),
                  const ServerOptions& server_options = {}) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  auto server = Server::Start(runtime, queues, server_options, {&service});
  EXPECT_TRUE(server.ok()) << server.status();
  absl::Status status;
  runtime.Run([&] {
    auto channel = rpc::Channel::Create(absl::StrCat("127.0.0.1:", (*server)->ports()[0]),
                                        {.own_connection = true});
    CancelScope scope({.deadline = scope_deadline});
    EchoReply reply;
    status = CallUnaryMessage(**channel, method, EchoRequest(), &reply, options);
  });
  EXPECT_TRUE((*server)->Shutdown({}).ok());
  return status;
}

TEST(DefaultTimeout, BoundsACallOfAStub) {
  Bounded service(/*waits=*/true);
  EXPECT_EQ(Call(service, kBounded).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LE(service.left, kTimeout + absl::Milliseconds(2)) << "sent, and rounded up on the wire";
}

TEST(DefaultTimeout, BoundsACallWhoseClientSentNone) {
  Bounded service(/*waits=*/true);
  const absl::Status status = Call(service, kUnbounded);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(status.message().find("the deadline of the cancel scope has passed"),
            absl::string_view::npos)
      << status << ": of the handler's scope";
  EXPECT_LE(service.left, kTimeout);
}

TEST(DefaultTimeout, GivesWayToWhatTheCallAsksFor) {
  Bounded service(/*waits=*/false);
  EXPECT_TRUE(Call(service, kBounded, {.timeout = absl::Hours(1)}).ok());
  EXPECT_GT(service.left, absl::Minutes(59));
  EXPECT_TRUE(Call(service, kBounded, {.deadline = weft::Now() + absl::Hours(2)}).ok());
  EXPECT_GT(service.left, absl::Minutes(119));
}

TEST(DefaultTimeout, GivesWayToAScopeWithLessTime) {
  Bounded service(/*waits=*/true);
  const absl::Status status = Call(service, kUnbounded, {}, weft::Now() + absl::Milliseconds(5));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LE(service.left, absl::Milliseconds(7));
}

TEST(DeadlineMargin, EndsAHandlersScopeBeforeItsClientStopsWaiting) {
  Bounded service(/*waits=*/false);
  EXPECT_TRUE(Call(service, kBounded, {.timeout = absl::Hours(1)}).ok());
  EXPECT_EQ(service.margin, absl::Milliseconds(5));
}

TEST(DeadlineMargin, IsATenthOfTheTimeAtMost) {
  Bounded service(/*waits=*/false);
  EXPECT_TRUE(Call(service, kBounded, {.timeout = absl::Hours(1)}, absl::InfiniteFuture(),
                   {.deadline_margin = absl::Hours(3)})
                  .ok());
  EXPECT_GT(service.margin, absl::Minutes(5));
  EXPECT_LE(service.margin, absl::Minutes(6) + absl::Seconds(1)) << "rounded up on the wire";
}

TEST(DeadlineMargin, CanBeSwitchedOff) {
  Bounded service(/*waits=*/false);
  EXPECT_TRUE(Call(service, kBounded, {.timeout = absl::Hours(1)}, absl::InfiniteFuture(),
                   {.deadline_margin = absl::ZeroDuration()})
                  .ok());
  EXPECT_EQ(service.margin, absl::ZeroDuration());
}

}  // namespace
}  // namespace weft::rpc
