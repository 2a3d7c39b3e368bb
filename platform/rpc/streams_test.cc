// Streams that do not flow: a reader that is slow, two fibers at one end, an end that does nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using bench::v1::UploadReply;
using ChatStream = ServerStream<EchoRequest, EchoReply>;

// --- Backpressure ----------------------------------------------------------------------------

constexpr size_t kMessageBytes = 256 * 1024;
constexpr int kMessages = 400;  // 100 MiB
// What may be under way at once: gRPC lets a stream's window grow to 16 MiB while memory is plenty,
// and there are the buffers of the sockets.
constexpr int kLeadMax = 128;  // 32 MiB

TEST(SlowReader, StopsTheServersWriter) {
  TestServer server;
  int written = 0;
  int read = 0;
  int most_ahead = 0;
  server.echo().download = [&](CallContext&, const bench::v1::DownloadRequest&,
                               ServerWriter<EchoReply>& replies) {
    EchoReply reply;
    reply.set_payload(std::string(kMessageBytes, 'x'));
    for (; written < kMessages; ++written) {
      most_ahead = std::max(most_ahead, written - read);
      if (absl::Status s = replies.Write(reply); !s.ok()) return s;
    }
    return absl::OkStatus();
  };
  server.Run([&] {
    auto replies = server.client().Download({});
    for (EchoReply reply; replies.Read(&reply); ++read) weft::Yield();
    EXPECT_EQ(replies.Finish(), absl::OkStatus());
  });
  EXPECT_EQ(read, kMessages);
  EXPECT_LE(most_ahead, kLeadMax);
}

TEST(SlowReader, StopsTheClientsWriter) {
  TestServer server;
  int written = 0;
  int read = 0;
  int most_ahead = 0;
  server.echo().upload = [&](CallContext&,
                             ServerReader<EchoRequest>& requests) -> absl::StatusOr<UploadReply> {
    for (EchoRequest request; requests.Read(&request); ++read) weft::Yield();
    if (!requests.status().ok()) return requests.status();
    return UploadReply();
  };
  server.Run([&] {
    auto requests = server.client().Upload();
    EchoRequest request;
    request.set_payload(std::string(kMessageBytes, 'x'));
    for (; written < kMessages; ++written) {
      most_ahead = std::max(most_ahead, written - read);
      ASSERT_TRUE(requests.Write(request));
    }
    EXPECT_EQ(requests.Finish().status(), absl::OkStatus());
  });
  EXPECT_EQ(read, kMessages);
  EXPECT_LE(most_ahead, kLeadMax);
}

// --- Two fibers at one end -------------------------------------------------------------------

TEST(ServerStream, RefusesASecondReadInFlight) {
  TestServer server;
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    TaskGroup group;
    group.Spawn([&] {
      EchoRequest request;
      while (stream.Read(&request)) {
      }
    });
    weft::Yield();
    EchoRequest request;
    ChatStream second = stream;
    EXPECT_FALSE(second.Read(&request));
    EXPECT_EQ(second.status(),
              absl::FailedPreconditionError(
                  "a Read of this call is in flight already: one fiber reads at a time"));
    if (absl::Status s = stream.Write({}); !s.ok()) return s;
    return group.Wait();
  };
  server.Run([&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    EXPECT_TRUE(stream.Read(&reply));
    stream.WritesDone();
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
}

// Also while the first one has ended and its fiber has not run yet.
TEST(ServerStream, RefusesASecondWriteInFlight) {
  constexpr int kFibers = 3;
  TestServer server;
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    EchoReply reply;
    reply.set_payload(std::string(kMessageBytes, 'x'));
    int written = 0;
    int refused = 0;
    TaskGroup group;
    for (int i = 0; i < kFibers; ++i) {
      group.Spawn([&]() -> absl::Status {
        while (written < kMessages) {
          const absl::Status status = stream.Write(reply);
          if (status.code() == absl::StatusCode::kFailedPrecondition) {
            EXPECT_EQ(status.message(),
                      "a Write of this call is in flight already: one fiber writes at a time");
            ++refused;
            weft::Yield();
            continue;
          }
          if (!status.ok()) return status;
          ++written;
        }
        return absl::OkStatus();
      });
    }
    if (absl::Status s = group.Wait(); !s.ok()) return s;
    EXPECT_GT(refused, 0);
    reply.set_payload(absl::StrCat(written));
    return stream.Write(reply);
  };
  server.Run([&] {
    auto stream = server.client().Chat();
    int read = 0;
    EchoReply reply;
    while (stream.Read(&reply) && reply.payload().size() == kMessageBytes) ++read;
    EXPECT_EQ(reply.payload(), absl::StrCat(read));
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
}

TEST(ClientStream, ASecondReadInFlightFailsTheCall) {
  TestServer server;
  server.Run([&] {
    auto stream = server.client().Chat();
    TaskGroup group;
    group.Spawn([&] {
      EchoReply reply;
      EXPECT_FALSE(stream.Read(&reply));
    });
    weft::Yield();
    EchoReply reply;
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_TRUE(group.Wait().ok());
    const absl::Status status = stream.Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(std::string(status.message()), "one fiber reads at a time"))
        << status;
  });
}

// --- Idle streams ----------------------------------------------------------------------------

constexpr absl::Duration kIdle = absl::Milliseconds(40);

TEST(IdleStream, ClientThatSendsNothingIsAnsweredWithTheReason) {
  TestServer server({.stream_idle_timeout = kIdle});
  server.Run([&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    EXPECT_FALSE(stream.Read(&reply));
    const absl::Status status = stream.Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(absl::StrContains(std::string(status.message()),
                                  "no message came or went for 40ms, the idle timeout"))
        << status;
    EXPECT_TRUE(server.client().Say({}).ok());
  });
}

TEST(IdleStream, WriteToAClientThatDoesNotReadIsGivenUp) {
  TestServer server({.stream_idle_timeout = kIdle});
  weft::Channel<absl::Status> ended(1);
  server.echo().download = [&](CallContext&, const bench::v1::DownloadRequest&,
                               ServerWriter<EchoReply>& replies) {
    EchoReply reply;
    reply.set_payload(std::string(kMessageBytes, 'x'));
    absl::Status status;
    while (status.ok()) status = replies.Write(reply);
    EXPECT_EQ(replies.Write(reply).ok(), false);
    EXPECT_TRUE(ended.TrySend(status));
    return status;
  };
  server.Run([&] {
    auto replies = server.client().Download({});
    const absl::Status status = *ended.Receive();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(absl::StrContains(std::string(status.message()), "while writing a reply"))
        << status;
    for (EchoReply reply; replies.Read(&reply);) {
    }
    EXPECT_FALSE(replies.Finish().ok());
    while (server.server().Stats().calls_in_flight > 0) weft::Yield();
  });
}

TEST(IdleStream, WhatMovesOneWayKeepsAReadTheOtherWayWaiting) {
  TestServer server({.stream_idle_timeout = kIdle});
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    absl::Time last_write;
    TaskGroup group;
    group.Spawn([&]() -> absl::Status {
      for (int i = 0; i < 6; ++i) {
        last_write = weft::Now();
        if (absl::Status s = stream.Write({}); !s.ok()) return s;
        if (absl::Status s = weft::SleepFor(kIdle / 3); !s.ok()) return s;
      }
      return absl::OkStatus();
    });
    EchoRequest request;
    EXPECT_FALSE(stream.Read(&request));
    EXPECT_GE(weft::Now() - last_write, kIdle);
    EXPECT_EQ(stream.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(stream.Read(&request));
    if (absl::Status s = group.Wait(); !s.ok()) return s;
    return stream.status();
  };
  server.Run([&] {
    auto stream = server.client().Chat();
    for (EchoReply reply; stream.Read(&reply);) {
    }
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  });
}

TEST(IdleStream, ADeadlineThatComesFirstIsTheReason) {
  TestServer server({.stream_idle_timeout = absl::Hours(1)});
  weft::Channel<absl::Status> ended(1);
  server.echo().chat = [&](CallContext&, ChatStream& stream) {
    EchoRequest request;
    EXPECT_FALSE(stream.Read(&request));
    EXPECT_TRUE(ended.TrySend(stream.status()));
    return stream.status();
  };
  server.Run([&] {
    CallOptions options;
    options.timeout = kIdle;
    auto stream = server.client().Chat(options);
    EchoReply reply;
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(absl::StrContains(std::string(ended.Receive()->message()), "idle"));
  });
}

TEST(IdleStream, ClientThatGoesAwayIsTheReason) {
  TestServer server({.stream_idle_timeout = absl::Hours(1)});
  weft::Channel<absl::Status> ended(1);
  server.echo().chat = [&](CallContext&, ChatStream& stream) {
    EchoRequest request;
    while (stream.Read(&request) && stream.Write({}).ok()) {
    }
    EXPECT_TRUE(ended.TrySend(stream.status()));
    return stream.status();
  };
  server.Run([&] {
    {
      auto stream = server.client().Chat();
      EchoReply reply;
      EXPECT_TRUE(stream.Write({}));
      EXPECT_TRUE(stream.Read(&reply));
    }
    EXPECT_EQ(ended.Receive()->code(), absl::StatusCode::kCancelled);
  });
}

TEST(IdleStream, UnaryCallsAreNoStreams) {
  TestServer server({.stream_idle_timeout = absl::Milliseconds(1)});
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    if (absl::Status s = weft::SleepFor(absl::Milliseconds(10)); !s.ok()) return s;
    return EchoReply();
  };
  server.Run([&] { EXPECT_EQ(server.client().Say({}).status(), absl::OkStatus()); });
}

TEST(IdleStream, TimeoutOfZeroIsRefused) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  TestEcho echo;
  EXPECT_EQ(Server::Start(runtime, queues, {.stream_idle_timeout = absl::ZeroDuration()}, {&echo})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

// --- Paced streams ---------------------------------------------------------------------------

// Reads what it is given; the number of requests, and how the reading ended.
struct Uploaded {
  int requests = 0;
  absl::Status end;
};

void CountUploads(TestServer& server, Uploaded* uploaded) {
  server.echo().upload =
      [uploaded](CallContext&, ServerReader<EchoRequest>& requests) -> absl::StatusOr<UploadReply> {
    for (EchoRequest request; requests.Read(&request);) ++uploaded->requests;
    uploaded->end = requests.status();
    if (!requests.status().ok()) return requests.status();
    return UploadReply();
  };
}

TEST(PacedStream, GivesItsHandlerNoMoreThanItsRate) {
  TestServer server({.stream_requests_per_second = 0.001});
  Uploaded uploaded;
  CountUploads(server, &uploaded);
  server.Run([&] {
    auto requests = server.client().Upload({.timeout = absl::Milliseconds(50)});
    for (int i = 0; i < 5; ++i) requests.Write({});
    EXPECT_EQ(requests.Finish().status().code(), absl::StatusCode::kDeadlineExceeded);
  });
  EXPECT_TRUE(server.server().Shutdown({}).ok());
  EXPECT_LE(uploaded.requests, 1) << "none if the call came late";
  EXPECT_FALSE(uploaded.end.ok());
}

TEST(PacedStream, GivesASecondsWorthAtOnceAndAllInTheEnd) {
  TestServer server({.stream_requests_per_second = 10'000});
  Uploaded uploaded;
  CountUploads(server, &uploaded);
  server.Run([&] {
    auto requests = server.client().Upload();
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(requests.Write({}));
    EXPECT_EQ(requests.Finish().status(), absl::OkStatus());
  });
  EXPECT_EQ(uploaded.requests, 500);
}

TEST(PacedStream, RatesThatCannotBeAreRefused) {
  for (const double rate : {-1.0, 1e7}) {
    ShardQueues queues(1);
    Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
    TestEcho echo;
    EXPECT_EQ(Server::Start(runtime, queues, {.stream_requests_per_second = rate}, {&echo})
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace weft::rpc
