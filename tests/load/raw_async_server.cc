// The baseline that every ratio of `./weft bench` is taken to: gRPC's typed asynchronous C++ API as
// a careful engineer would use it, with nothing of Weft in it. One thread, one completion queue,
// state machines in pooled call objects whose messages keep their memory from call to call.
//
// Tuned as well as this API allows; README.md of this folder has the figures of each choice:
//   - a constant number of requests wait to be matched (--request_slots): a call that arrives arms
//     the next one from the pool before it is handled;
//   - gRPC's optional filters and channelz are off (--minimal_stack);
//   - Sleep waits in a heap of this loop rather than in one grpc::Alarm a call.
//
// Everything but the wait for SIGTERM runs on the main thread.
#include <grpc/support/time.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <thread>
#include <type_traits>
#include <vector>

#include "absl/flags/flag.h"
#include "proto/bench/v1/echo.grpc.pb.h"
#include "tests/load/raw_server.h"

ABSL_FLAG(int, request_slots, 16, "Requests kept waiting to be matched, for each method.");
ABSL_FLAG(bool, minimal_stack, true, "Turn off gRPC's optional filters and channelz.");

namespace {

using bench::v1::Echo;

// The two methods served; each stays on its own list of waiting requests in gRPC.
using AsyncEcho = Echo::WithAsyncMethod_Say<Echo::WithAsyncMethod_Sleep<Echo::Service>>;

// What a completion's tag points to.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void Proceed(bool ok) = 0;
};

// One call after another in the same memory: waiting for a request, (sleeping,) finishing, pooled.
template <typename Request, typename Reply>
class Call : public Operation {
 public:
  Request& request() { return request_; }
  Reply& reply() { return reply_; }
  grpc::ServerContext* context() { return &*context_; }
  grpc::ServerAsyncResponseWriter<Reply>* responder() { return &*responder_; }

  void Prepare() {
    context_.emplace();
    responder_.emplace(&*context_);
    finishing_ = false;
  }

  void Finish() {
    finishing_ = true;
    responder_->Finish(reply_, grpc::Status::OK, this);
  }

  void FinishWithError(const grpc::Status& status) {
    finishing_ = true;
    responder_->FinishWithError(status, this);
  }

 protected:
  bool finishing() const { return finishing_; }
  // Lets go of the call's memory in gRPC. The messages stay, to be parsed into again.
  void Release() {
    responder_.reset();
    context_.reset();
  }

 private:
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Reply>> responder_;
  Request request_;
  Reply reply_;
  bool finishing_ = false;
};

// Call objects for reuse; grows to the largest number of calls that were ever in progress.
template <typename CallType>
class Pool {
 public:
  template <typename... Arguments>
  CallType* Take(Arguments&&... arguments) {
    if (free_.empty()) return &calls_.emplace_back(arguments...);
    CallType* call = free_.back();
    free_.pop_back();
    return call;
  }
  void Return(CallType* call) { free_.push_back(call); }

 private:
  std::deque<CallType> calls_;
  std::vector<CallType*> free_;
};

class Server {
 public:
  explicit Server(weft::load::RawServerProcess& process) : process_(process) {
    grpc::ServerBuilder builder;
    process_.Listen(builder);
    builder.RegisterService(&service_);
    if (absl::GetFlag(FLAGS_minimal_stack)) {
      builder.AddChannelArgument(GRPC_ARG_MINIMAL_STACK, 1);
      builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
    }
    queue_ = builder.AddCompletionQueue();
    server_ = process_.Start(builder);
  }

  // Serves until SIGTERM.
  void Run() {
    for (int i = 0; i < absl::GetFlag(FLAGS_request_slots); ++i) {
      ArmSay();
      ArmSleep();
    }
    std::thread terminator([this] {
      process_.WaitForTermination();
      server_->Shutdown(std::chrono::system_clock::now());
      queue_->Shutdown();
    });
    Loop();
    terminator.join();
  }

 private:
  class SayCall final : public Call<bench::v1::EchoRequest, bench::v1::EchoReply> {
   public:
    explicit SayCall(Server& server) : server_(server) {}

    void Proceed(bool ok) override {
      if (finishing() || !ok) {
        Release();
        server_.says_.Return(this);
        return;
      }
      server_.ArmSay();
      reply().set_payload(request().payload());
      Finish();
    }

   private:
    Server& server_;
  };

  class SleepCall final : public Call<bench::v1::SleepRequest, bench::v1::SleepReply> {
   public:
    explicit SleepCall(Server& server) : server_(server) {}

    void Proceed(bool ok) override {
      if (!finishing() && ok) {
        server_.ArmSleep();
        server_.FinishLater(this);
        return;
      }
      if (!finishing()) server_.FailAllSleepers();  // The server is shutting down.
      Release();
      server_.sleeps_.Return(this);
    }

   private:
    Server& server_;
  };

  struct Sleeper {
    gpr_timespec wake_time;
    SleepCall* call;
    bool operator>(const Sleeper& other) const {
      return gpr_time_cmp(wake_time, other.wake_time) > 0;
    }
  };

  void ArmSay() {
    SayCall* call = says_.Take(*this);
    call->Prepare();
    service_.RequestSay(call->context(), &call->request(), call->responder(), queue_.get(),
                        queue_.get(), call);
  }

  void ArmSleep() {
    SleepCall* call = sleeps_.Take(*this);
    call->Prepare();
    service_.RequestSleep(call->context(), &call->request(), call->responder(), queue_.get(),
                          queue_.get(), call);
  }

  void FinishLater(SleepCall* call) {
    const auto duration = gpr_time_from_millis(call->request().duration_ms(), GPR_TIMESPAN);
    sleepers_.push({gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), duration), call});
  }

  void FinishSleepersUntil(gpr_timespec now) {
    while (!sleepers_.empty() && gpr_time_cmp(sleepers_.top().wake_time, now) <= 0) {
      sleepers_.top().call->Finish();
      sleepers_.pop();
    }
  }

  void FailAllSleepers() {
    for (; !sleepers_.empty(); sleepers_.pop()) {
      sleepers_.top().call->FinishWithError({grpc::StatusCode::UNAVAILABLE, "shutting down"});
    }
  }

  void Loop() {
    void* tag = nullptr;
    bool ok = false;
    while (true) {
      const gpr_timespec deadline =
          sleepers_.empty() ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : sleepers_.top().wake_time;
      switch (queue_->AsyncNext(&tag, &ok, deadline)) {
        case grpc::CompletionQueue::SHUTDOWN:
          return;
        case grpc::CompletionQueue::GOT_EVENT:
          static_cast<Operation*>(tag)->Proceed(ok);
          break;
        case grpc::CompletionQueue::TIMEOUT:
          break;
      }
      if (!sleepers_.empty()) FinishSleepersUntil(gpr_now(GPR_CLOCK_MONOTONIC));
    }
  }

  weft::load::RawServerProcess& process_;
  AsyncEcho service_;
  Pool<SayCall> says_;
  Pool<SleepCall> sleeps_;
  std::priority_queue<Sleeper, std::vector<Sleeper>, std::greater<>> sleepers_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

int main(int argc, char** argv) {
  weft::load::RawServerProcess process(argc, argv);
  Server server(process);
  server.Run();
  return 0;
}
