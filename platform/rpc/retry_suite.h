// For the tests of retries and hedges: a server whose answers a test decides attempt by attempt,
// and a record of what interceptors are told.
#ifndef WEFT_PLATFORM_RPC_RETRY_SUITE_H_
#define WEFT_PLATFORM_RPC_RETRY_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/client/client_call.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/server/handler.h"

namespace weft::rpc {

using Log = std::vector<std::string>;

inline constexpr MethodDescriptor kGet = {
    "/test.Flaky/Get", MethodKind::kUnary, {.idempotency = Idempotency::kNoSideEffects}};
inline constexpr MethodDescriptor kSet = {"/test.Flaky/Set", MethodKind::kUnary};
inline constexpr MethodDescriptor kNever = {
    "/test.Flaky/Never",
    MethodKind::kUnary,
    {.idempotency = Idempotency::kIdempotent, .retry = Retry::kNever}};
inline constexpr MethodDescriptor kFind = {
    "/test.Flaky/Find",
    MethodKind::kUnary,
    {.idempotency = Idempotency::kNoSideEffects, .retry = Retry::kHedge}};
inline constexpr MethodDescriptor kList = {
    "/test.Flaky/List", MethodKind::kServerStreaming, {.idempotency = Idempotency::kNoSideEffects}};

// As quick as can be, where the wait does not matter.
inline const RetryPolicy kQuick = {.initial_backoff = absl::ZeroDuration(),
                                   .max_backoff = absl::ZeroDuration()};
// A wait that the test does not live to see.
inline const RetryPolicy kSlow = {.initial_backoff = absl::Hours(1000),
                                  .max_backoff = absl::Hours(1000)};

// Answers the n-th attempt that reaches it, from 1, as the test says.
class Flaky final : public Service {
 public:
  using Answer = std::function<absl::Status(CallContext&, int)>;

  explicit Flaky(Answer answer) : answer_(std::move(answer)) {
    for (const MethodDescriptor* method : {&kGet, &kSet, &kNever, &kFind}) {
      AddMethod(*method, [](Service& service, ServerCall& call) {
        return HandleUnary<bench::v1::EchoRequest, bench::v1::EchoReply>(
            call,
            [&service](CallContext& context,
                       auto& request) -> absl::StatusOr<bench::v1::EchoReply> {
              absl::Status status = static_cast<Flaky&>(service).Run(context);
              if (!status.ok()) return status;
              bench::v1::EchoReply reply;
              reply.set_payload(request.payload());
              return reply;
            });
      });
    }
    AddMethod(kList, [](Service& service, ServerCall& call) {
      return HandleServerStreaming<bench::v1::EchoRequest, bench::v1::EchoReply>(
          call, [&service](CallContext& context, auto&, auto&) {
            return static_cast<Flaky&>(service).Run(context);
          });
    });
  }

  int runs = 0;
  Log previous_attempts;  // as each attempt told

 private:
  absl::Status Run(CallContext& context) {
    const auto previous = context.metadata().Find("grpc-previous-rpc-attempts");
    previous_attempts.emplace_back(previous.value_or(""));
    return answer_(context, ++runs);
  }

  const Answer answer_;
};

// What an interceptor of this stage is told.
class Recorder final : public ClientInterceptor {
 public:
  Recorder(InterceptorStage stage, Log* log) : stage_(stage), log_(log) {}
  InterceptorStage stage() const override { return stage_; }
  std::unique_ptr<ClientCallTracker> Start(OutgoingCall& call) override {
    const char* const name = SeesWholeCalls(stage_) ? "call" : "attempt";
    log_->push_back(absl::StrCat(name, " ", call.attempt, " of ", call.metadata.entries().size()));
    call.metadata.Add("seen-by", name);
    return std::make_unique<Tracker>(*this, absl::StrCat(name, " ", call.attempt));
  }
  std::function<void()> on_will_retry = [] {};

 private:
  class Tracker final : public ClientCallTracker {
   public:
    Tracker(Recorder& recorder, std::string name) : recorder_(recorder), name_(std::move(name)) {}
    void End(const EndedCall& ended) override {
      Add(ended.status, ended.will_retry ? ", to be retried" : "");
      if (ended.will_retry) recorder_.on_will_retry();
    }
    void EndRetriedCall(const absl::Status& status) override { Add(status, " at last"); }

   private:
    void Add(const absl::Status& status, const char* more) {
      recorder_.log_->push_back(
          absl::StrCat(name_, ": ", absl::StatusCodeToString(status.code()), more));
    }
    Recorder& recorder_;
    const std::string name_;
  };

  const InterceptorStage stage_;
  Log* const log_;
};

// A Flaky served, and a channel to it, on one shard.
class RetryTest : public ::testing::Test {
 protected:
  void Serve(Flaky::Answer answer) {
    flaky_ = std::make_unique<Flaky>(std::move(answer));
    server_ = *Server::Start(runtime_, queues_, {}, {flaky_.get()});
  }
  void TearDown() override {
    if (server_ != nullptr) {
      EXPECT_TRUE(server_->Shutdown({}).ok());
    }
  }
  std::shared_ptr<Channel> Open(RetryPolicy policy) {
    return OpenTo(absl::StrCat("127.0.0.1:", server_->ports()[0]), std::move(policy));
  }
  std::shared_ptr<Channel> OpenTo(std::string target, RetryPolicy policy) {
    return *Channel::Create(
        std::move(target),
        {.interceptors = {&inner_, &outer_}, .retry = std::move(policy), .own_connection = true});
  }
  static absl::Status Call(Channel& channel, const MethodDescriptor& method,
                           const CallOptions& options = {}) {
    bench::v1::EchoRequest request;
    request.set_payload("hello");
    bench::v1::EchoReply reply;
    absl::Status status = CallUnaryMessage(channel, method, request, &reply, options);
    if (status.ok()) {
      EXPECT_EQ(reply.payload(), "hello");
    }
    return status;
  }
  // One call on a channel of its own.
  absl::Status Call(const MethodDescriptor& method, const RetryPolicy& policy,
                    const CallOptions& options = {}) {
    return runtime_.Run([&] { return Call(*Open(policy), method, options); });
  }

  ShardQueues queues_{1};
  Runtime runtime_{{.shards = 1, .poller_factory = queues_.Pollers()}};
  Log log_;
  Recorder outer_{InterceptorStage::kUser, &log_};
  Recorder inner_{InterceptorStage::kTelemetry, &log_};
  std::unique_ptr<Flaky> flaky_;
  std::unique_ptr<Server> server_;
};

inline absl::Status Unavailable(CallContext&, int run) {
  return absl::UnavailableError(absl::StrCat("not on run ", run));
}

// Waits until it is cancelled.
inline absl::Status Hang() { return weft::SleepFor(absl::InfiniteDuration()); }

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_RETRY_SUITE_H_
