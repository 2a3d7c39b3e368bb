#include "platform/rpc/error_details.h"

#include <gmock/gmock.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::DownloadRequest;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using google::protobuf::Duration;
using google::protobuf::StringValue;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// What a client sees of `status` when a unary handler returns it.
absl::Status Sent(const absl::Status& status, ServerOptions options = {}) {
  TestServer server(std::move(options));
  server.echo().say = [&](CallContext&, const EchoRequest&) { return status; };
  absl::Status received;
  server.Run([&] { received = server.client().Say(EchoRequest()).status(); });
  return received;
}

Duration Seconds(int64_t seconds) {
  Duration duration;
  duration.set_seconds(seconds);
  return duration;
}

TEST(ErrorDetails, ReachTheClientOfAUnaryCall) {
  absl::Status status = absl::ResourceExhaustedError("too many orders");
  StringValue reason;
  reason.set_value("quota");
  AddErrorDetail(status, Seconds(3));
  AddErrorDetail(status, reason);
  const absl::Status received = Sent(status);
  EXPECT_EQ(received.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(received.message(), "too many orders");
  ASSERT_TRUE(FindErrorDetail<Duration>(received).has_value());
  EXPECT_EQ(FindErrorDetail<Duration>(received)->seconds(), 3);
  EXPECT_EQ(FindErrorDetail<StringValue>(received)->value(), "quota");
}

TEST(ErrorDetails, ReachTheClientOfAStream) {
  TestServer server;
  server.echo().download = [](CallContext&, const DownloadRequest&,
                              ServerWriter<EchoReply>& replies) {
    EXPECT_TRUE(replies.Write(EchoReply()).ok());
    absl::Status status = absl::AbortedError("moved");
    AddErrorDetail(status, Seconds(5));
    return status;
  };
  server.Run([&] {
    auto replies = server.client().Download(DownloadRequest());
    EchoReply reply;
    EXPECT_TRUE(replies.Read(&reply));
    EXPECT_FALSE(replies.Read(&reply));
    const absl::Status status = replies.Finish();
    EXPECT_EQ(status.message(), "moved");
    EXPECT_EQ(FindErrorDetail<Duration>(status)->seconds(), 5);
  });
}

// google/rpc/status.proto: 1 the code, 2 the text, 3 the details as google.protobuf.Any; the key by
// grpc's richer error model.
TEST(ErrorDetails, TravelAsGoogleRpcStatus) {
  TestServer server;
  server.echo().say = [](CallContext&, const EchoRequest&) {
    absl::Status status = absl::NotFoundError("gone");
    AddErrorDetail(status, Seconds(7));
    return status;
  };
  server.Run([&] {
    Metadata trailing;
    EXPECT_FALSE(server.client().Say(EchoRequest(), {.trailing_metadata = &trailing}).ok());
    const absl::string_view type = "type.googleapis.com/google.protobuf.Duration";
    std::string any = absl::StrCat("\x0A\x2C", type, "\x12\x02\x08\x07");
    EXPECT_EQ(trailing.Find("grpc-status-details-bin"),
              absl::StrCat("\x08\x05\x12\x04gone\x1A\x32", any));
  });
}

TEST(ErrorDetails, ATypeThatIsNotThereIsNotFound) {
  EXPECT_FALSE(FindErrorDetail<Duration>(absl::NotFoundError("plain")).has_value());
  absl::Status status = absl::NotFoundError("broken");
  status.SetPayload("type.googleapis.com/google.protobuf.Duration", absl::Cord("\xFF"));
  EXPECT_FALSE(FindErrorDetail<Duration>(status).has_value());
}

TEST(ErrorDetails, PayloadsOfThisSideStayHere) {
  absl::Status status = absl::NotFoundError("gone");
  status.SetPayload("shop.note", absl::Cord("shelf 3"));
  EXPECT_EQ(Sent(status), absl::NotFoundError("gone"));
}

TEST(ErrorDetails, TooLargeTheyAreLeftOutAndTheTextGoesAlone) {
  absl::Status status = absl::NotFoundError("gone");
  StringValue large;
  large.set_value(std::string(10'000, 'x'));
  AddErrorDetail(status, large);
  EXPECT_EQ(Sent(status), absl::NotFoundError("gone"));
}

TEST(ErrorDetails, JustSmallEnoughTheyArriveWithALongText) {
  absl::Status status = absl::NotFoundError(std::string(1'000, 'm'));
  StringValue large;
  large.set_value(std::string(4'000, 'x'));
  AddErrorDetail(status, large);
  EXPECT_EQ(Sent(status), status);
}

TEST(PublicMessage, TextOfInternalErrorsStaysOnTheServer) {
  const absl::Status received = Sent(absl::InternalError("cannot open /var/lib/shop/prices.db"));
  EXPECT_EQ(received.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(received.message()), HasSubstr("internal error"));
  EXPECT_THAT(std::string(received.message()), Not(HasSubstr("prices")));
}

TEST(PublicMessage, DetailsOfInternalErrorsAreSentWithoutTheirText) {
  absl::Status status = absl::InternalError("cannot open /var/lib/shop/prices.db");
  AddErrorDetail(status, Seconds(1));
  TestServer server;
  server.echo().say = [&](CallContext&, const EchoRequest&) { return status; };
  server.Run([&] {
    Metadata trailing;
    const absl::Status received =
        server.client().Say(EchoRequest(), {.trailing_metadata = &trailing}).status();
    EXPECT_TRUE(FindErrorDetail<Duration>(received).has_value());
    const auto details = trailing.Find("grpc-status-details-bin");
    ASSERT_TRUE(details.has_value());
    EXPECT_THAT(std::string(*details), Not(HasSubstr("prices")));
  });
}

TEST(PublicMessage, TextOfInternalErrorsIsSentWhereTheServerAllowsIt) {
  EXPECT_EQ(Sent(absl::InternalError("at line 3"), {.send_internal_messages = true}),
            absl::InternalError("at line 3"));
}

TEST(PublicMessage, ReplacesTheTextForClientsAlone) {
  const absl::Status status =
      WithPublicMessage(absl::InternalError("disk full at db-3"), "try again later");
  EXPECT_EQ(status.message(), "disk full at db-3");
  EXPECT_EQ(Sent(status), absl::InternalError("try again later"));
}

TEST(PublicMessage, AFailedCallToAnotherServerTellsClientsNoAddress) {
  auto nobody = Channel::Create("127.0.0.1:1");
  ASSERT_TRUE(nobody.ok());
  bench::v1::EchoClient backend(*nobody);
  TestServer server;
  absl::Status seen;
  server.echo().say = [&](CallContext&, const EchoRequest& request) -> absl::StatusOr<EchoReply> {
    absl::StatusOr<EchoReply> reply = backend.Say(request);
    seen = reply.status();
    return reply;
  };
  server.Run([&] {
    const absl::Status status = server.client().Say(EchoRequest()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), EndsWith("': bench.v1.Echo/Say: UNAVAILABLE"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("127.0.0.1:1'")));
  });
  EXPECT_THAT(std::string(seen.message()), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace weft::rpc
