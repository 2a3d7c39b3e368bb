// gRPC's callback server as its documentation shows it: gRPC's own threads run the methods, which
// must not block. A baseline of `./weft bench echo`; it serves Say and Sleep.
#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>

#include "proto/bench/v1/echo.grpc.pb.h"
#include "tests/load/raw_server.h"

namespace {

// Answers when its alarm fires; frees itself, with the alarm, when gRPC is done with the call.
class SleepReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit SleepReactor(std::chrono::milliseconds duration) {
    alarm_.Set(std::chrono::system_clock::now() + duration,
               [this](bool) { Finish(grpc::Status::OK); });
  }

  void OnDone() override { delete this; }
  void OnCancel() override { alarm_.Cancel(); }

 private:
  grpc::Alarm alarm_;
};

class CallbackEcho final : public bench::v1::Echo::CallbackService {
  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* context,
                                const bench::v1::EchoRequest* request,
                                bench::v1::EchoReply* reply) override {
    reply->set_payload(request->payload());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* Sleep(grpc::CallbackServerContext*,
                                  const bench::v1::SleepRequest* request,
                                  bench::v1::SleepReply*) override {
    return new SleepReactor(std::chrono::milliseconds(request->duration_ms()));
  }
};

}  // namespace

int main(int argc, char** argv) {
  weft::load::RawServerProcess process(argc, argv);
  CallbackEcho service;
  grpc::ServerBuilder builder;
  process.Listen(builder);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = process.Start(builder);
  process.WaitForTermination();
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
