// Retries of a channel, against a real server over a connection. The decision alone, budget and
// jitter are tested in internal/channel_retries_test.cc.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/client/calls.h"
#include "platform/rpc/retry_suite.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

TEST_F(RetryTest, ACallSucceedsWithAnAttemptThatDoes) {
  Serve([](CallContext& call, int run) {
    return run < 3 ? Unavailable(call, run) : absl::OkStatus();
  });
  EXPECT_EQ(Call(kGet, kQuick), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 3);
  EXPECT_EQ(flaky_->previous_attempts, (Log{"", "1", "2"}));
}

TEST_F(RetryTest, CallsAreSeenOnceOutsideAndAttemptsInside) {
  Serve([](CallContext& call, int run) {
    return run < 2 ? Unavailable(call, run) : absl::OkStatus();
  });
  EXPECT_EQ(Call(kGet, kQuick, {.metadata = {{"k", "v"}}}), absl::OkStatus());
  EXPECT_EQ(log_, (Log{"call 1 of 1", "attempt 1 of 2", "attempt 1: UNAVAILABLE, to be retried",
                       "attempt 2 of 2", "attempt 2: OK", "attempt 1: OK at last", "call 1: OK"}));
}

TEST_F(RetryTest, ACallOfOneAttemptIsToldOnce) {
  Serve([](CallContext&, int) { return absl::OkStatus(); });
  EXPECT_EQ(Call(kGet, kQuick), absl::OkStatus());
  EXPECT_EQ(log_, (Log{"call 1 of 0", "attempt 1 of 1", "attempt 1: OK", "call 1: OK"}));
}

TEST_F(RetryTest, TheLastAttemptsStatusIsTheCalls) {
  Serve(Unavailable);
  const absl::Status status = Call(kGet, kQuick);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("not on run 3"), absl::string_view::npos) << status;
  EXPECT_EQ(flaky_->runs, 3);
}

TEST_F(RetryTest, OtherErrorsAreFinal) {
  Serve([](CallContext&, int) { return absl::NotFoundError("no"); });
  EXPECT_EQ(Call(kGet, kQuick).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(flaky_->runs, 1);
}

TEST_F(RetryTest, MethodCallAndChannelCanForbidIt) {
  Serve(Unavailable);
  EXPECT_EQ(Call(kSet, kQuick).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(flaky_->runs, 1) << "a method that is not idempotent, and that a handler has seen";
  EXPECT_EQ(Call(kNever, kQuick).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(flaky_->runs, 2) << "a method with retry: NEVER";
  EXPECT_EQ(Call(kGet, kQuick, {.retry = false}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(flaky_->runs, 3) << "CallOptions::retry";
  EXPECT_EQ(Call(kGet, {.max_attempts = 1}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(flaky_->runs, 4) << "RetryPolicy::max_attempts";
}

TEST_F(RetryTest, StreamsAreNotSentAgain) {
  Serve(Unavailable);
  runtime_.Run([&] {
    const auto channel = Open(kQuick);
    ClientReader<EchoReply> replies(*channel, kList, EchoRequest(), {});
    EchoReply reply;
    EXPECT_FALSE(replies.Read(&reply));
    EXPECT_EQ(replies.Finish().code(), absl::StatusCode::kUnavailable);
  });
  EXPECT_EQ(flaky_->runs, 1);
}

// Port 1 (tcpmux): nobody listens.
TEST_F(RetryTest, WhileNobodyListensAnyMethodIsSentAgain) {
  const auto attempts = [&](const std::string& target, const MethodDescriptor& method) {
    log_.clear();
    runtime_.Run([&] {
      EXPECT_EQ(Call(*OpenTo(target, kQuick), method).code(), absl::StatusCode::kUnavailable);
    });
    return std::count_if(log_.begin(), log_.end(), [](const std::string& line) {
      return line.find("attempt") == 0 && line.find(" of ") != std::string::npos;
    });
  };
  EXPECT_EQ(attempts("127.0.0.1:1", kGet), 3);
  EXPECT_EQ(attempts("127.0.0.1:1", kSet), 3) << "no handler can have seen it";
  EXPECT_EQ(attempts("127.0.0.1:1", kNever), 1);
  EXPECT_EQ(attempts("ipv4:127.0.0.1:1", kSet), 1) << "cannot be told from the address of a peer";
}

// Takes connections and closes each when a request has come on it.
class ClosingServer {
 public:
  ClosingServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ClosingServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  int port = 0;
  std::atomic<int> requests = 0;

 private:
  void Serve() {
    for (int peer = 0; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
      // HTTP/2's empty SETTINGS frame: gRPC holds requests back until it has come.
      constexpr char kSettings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
      if (send(peer, kSettings, sizeof(kSettings), MSG_NOSIGNAL) < 0) continue;
      std::string read;
      char bytes[512];
      for (ssize_t got = 0; (got = recv(peer, bytes, sizeof(bytes), 0)) > 0;) {
        read.append(bytes, static_cast<size_t>(got));
        if (read.find("test.Flaky") == std::string::npos) continue;
        ++requests;
        break;
      }
    }
  }

  const int listener_;
  std::thread thread_;
};

TEST_F(RetryTest, WhatWasSentOnAConnectionThatBreaksIsSentAgainOnlyIfIdempotent) {
  ClosingServer server;
  const std::string target = absl::StrCat("127.0.0.1:", server.port);
  // Time enough for a new connection: an attempt that comes at once finds the old one closing, and
  // is never sent.
  const RetryPolicy policy = {.initial_backoff = absl::Milliseconds(200)};
  const auto call = [&](const MethodDescriptor& method) {
    return runtime_
        .Run([&] { return Call(*OpenTo(target, policy), method, {.wait_for_ready = true}); })
        .code();
  };
  EXPECT_EQ(call(kSet), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.requests, 1);
  EXPECT_EQ(call(kGet), absl::StatusCode::kUnavailable);
  EXPECT_GT(server.requests, 2);
}

// --- Pushback --------------------------------------------------------------------------------

TEST_F(RetryTest, TheServerSaysWhenToComeAgain) {
  std::vector<absl::Time> times;
  Serve([&](CallContext& call, int run) -> absl::Status {
    times.push_back(weft::Now());
    if (run > 1) return absl::OkStatus();
    call.AddTrailingMetadata(kRetryPushbackKey, "30");
    return absl::ResourceExhaustedError("later");
  });
  EXPECT_EQ(Call(kGet, kSlow), absl::OkStatus()) << "not the backoff of a thousand hours";
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[1] - times[0], absl::Milliseconds(30));
}

TEST_F(RetryTest, TheServerSaysNotToComeAgain) {
  Serve([](CallContext& call, int run) {
    call.AddTrailingMetadata(kRetryPushbackKey, "-1");
    return Unavailable(call, run);
  });
  EXPECT_EQ(Call(kGet, kQuick).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(flaky_->runs, 1);
}

TEST_F(RetryTest, ResourceExhaustedWithoutPushbackIsFinal) {
  Serve([](CallContext&, int) { return absl::ResourceExhaustedError("full"); });
  EXPECT_EQ(Call(kGet, kQuick).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(flaky_->runs, 1);
}

// --- Time ------------------------------------------------------------------------------------

TEST_F(RetryTest, AWaitThatWouldPassTheDeadlineIsNotBegun) {
  Serve([](CallContext& call, int run) {
    call.AddTrailingMetadata(kRetryPushbackKey, "3600000");
    return Unavailable(call, run);
  });
  EXPECT_EQ(Call(kGet, kQuick, {.timeout = absl::Minutes(30)}).code(),
            absl::StatusCode::kUnavailable);
  runtime_.Run([&] {
    CancelScope scope({.deadline = weft::Now() + absl::Minutes(30)});
    EXPECT_EQ(Call(*Open(kQuick), kGet).code(), absl::StatusCode::kUnavailable);
  });
  EXPECT_EQ(flaky_->runs, 2);
}

TEST_F(RetryTest, EveryAttemptStaysWithinTheCallsDeadline) {
  std::vector<absl::Time> deadlines;
  Serve([&](CallContext& call, int run) {
    deadlines.push_back(call.deadline());
    return run == 1 ? Unavailable(call, run) : Hang();
  });
  const absl::Time deadline = weft::Now() + absl::Milliseconds(200);
  EXPECT_EQ(Call(kGet, kQuick, {.deadline = deadline}).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_EQ(deadlines.size(), 2U);
  for (const absl::Time sent : deadlines) {
    EXPECT_LE(sent, deadline + absl::Milliseconds(100)) << "rounded up on the wire";
  }
}

TEST_F(RetryTest, AnAttemptThatTakesTooLongIsFollowedByAnother) {
  const RetryPolicy policy = {.max_attempts = 5,
                              .initial_backoff = absl::ZeroDuration(),
                              .max_backoff = absl::ZeroDuration(),
                              .attempt_timeout = absl::Milliseconds(100)};
  Serve([](CallContext&, int run) { return run == 1 ? Hang() : absl::OkStatus(); });
  EXPECT_EQ(Call(kGet, policy), absl::OkStatus());
  EXPECT_GE(flaky_->runs, 2);
}

TEST_F(RetryTest, AttemptTimeoutsAreOnlyForCallsThatMayBeSentAgain) {
  std::vector<absl::Time> deadlines;
  Serve([&](CallContext& call, int) {
    deadlines.push_back(call.deadline());
    return absl::OkStatus();
  });
  const RetryPolicy policy = {.attempt_timeout = absl::Seconds(30)};
  EXPECT_TRUE(Call(kGet, policy).ok());
  EXPECT_TRUE(Call(kSet, policy).ok());
  EXPECT_TRUE(Call(kGet, policy, {.retry = false}).ok());
  ASSERT_EQ(deadlines.size(), 3U);
  EXPECT_LT(deadlines[0], absl::InfiniteFuture());
  EXPECT_EQ(deadlines[1], absl::InfiniteFuture());
  EXPECT_EQ(deadlines[2], absl::InfiniteFuture());
}

// --- Cancellation ----------------------------------------------------------------------------

TEST_F(RetryTest, CancellingEndsTheWait) {
  Event waits;
  inner_.on_will_retry = [&] { waits.Set(); };
  Serve(Unavailable);
  runtime_.Run([&] {
    TaskGroup group;
    absl::Status status;
    group.Spawn([&] {
      status = Call(*Open(kSlow), kGet);
      return absl::OkStatus();
    });
    EXPECT_TRUE(waits.Wait().ok());
    group.Cancel();
    group.Wait().IgnoreError();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  });
  EXPECT_EQ(flaky_->runs, 1);
  EXPECT_EQ(log_, (Log{"call 1 of 0", "attempt 1 of 1", "attempt 1: UNAVAILABLE, to be retried",
                       "attempt 1: CANCELLED at last", "call 1: CANCELLED"}));
}

TEST_F(RetryTest, CancellingEndsTheAttemptUnderWay) {
  Event in_handler;
  Event handler_ended;
  Serve([&](CallContext& call, int run) {
    if (run == 1) return Unavailable(call, run);
    in_handler.Set();
    absl::Status status = Hang();
    EXPECT_EQ(call.scope().cause(), CancelCause::kClientGone);
    handler_ended.Set();
    return status;
  });
  runtime_.Run([&] {
    TaskGroup group;
    absl::Status status;
    group.Spawn([&] {
      status = Call(*Open(kQuick), kGet);
      return absl::OkStatus();
    });
    EXPECT_TRUE(in_handler.Wait().ok());
    group.Cancel();
    group.Wait().IgnoreError();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_TRUE(handler_ended.Wait().ok());
  });
  EXPECT_EQ(flaky_->runs, 2) << "no third one";
}

// --- The budget ------------------------------------------------------------------------------

TEST_F(RetryTest, AFailingServerGetsHardlyMoreThanEachCallOnce) {
  constexpr int kCalls = 3000;
  Serve(Unavailable);
  runtime_.Run([&] {
    const auto channel = Open(kQuick);
    for (int i = 0; i < kCalls; ++i) EXPECT_FALSE(Call(*channel, kGet).ok());
  });
  EXPECT_EQ(flaky_->runs, kCalls + 3) << "the failure of a last attempt spends too";
}

TEST_F(RetryTest, AmplificationIsBoundWhateverShareFails) {
  constexpr int kCalls = 1000;
  double failing = 0;
  std::mt19937 random(1);
  Serve([&](CallContext& call, int run) {
    const bool fails = std::bernoulli_distribution(failing)(random);
    return fails ? Unavailable(call, run) : absl::OkStatus();
  });
  for (const double share : {0.05, 0.09, 0.2, 0.5, 0.9}) {
    failing = share;
    flaky_->runs = 0;
    runtime_.Run([&] {
      const auto channel = Open(kQuick);
      for (int i = 0; i < kCalls; ++i) Call(*channel, kGet).IgnoreError();
    });
    EXPECT_LT(flaky_->runs, 1.2 * kCalls) << share;
    EXPECT_GT(flaky_->runs, kCalls) << share;
  }
}

TEST(RetryPolicy, ABadOneIsRefusedWhenTheChannelIsMade) {
  const auto channel = Channel::Create("127.0.0.1:1", {.retry = {.max_attempts = 0}});
  EXPECT_EQ(channel.status(), absl::InvalidArgumentError("retry.max_attempts must be from 1 to 5"));
}

}  // namespace
}  // namespace weft::rpc
