// gRPC's synchronous server as its documentation shows it: a thread per call in progress, from
// gRPC's own pool. A baseline of `./weft bench echo`; it serves Say and Sleep.
#include <chrono>
#include <thread>

#include "proto/bench/v1/echo.grpc.pb.h"
#include "tests/load/raw_server.h"

namespace {

class SyncEcho final : public bench::v1::Echo::Service {
  grpc::Status Say(grpc::ServerContext*, const bench::v1::EchoRequest* request,
                   bench::v1::EchoReply* reply) override {
    reply->set_payload(request->payload());
    return grpc::Status::OK;
  }

  grpc::Status Sleep(grpc::ServerContext*, const bench::v1::SleepRequest* request,
                     bench::v1::SleepReply*) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(request->duration_ms()));
    return grpc::Status::OK;
  }
};

}  // namespace

int main(int argc, char** argv) {
  weft::load::RawServerProcess process(argc, argv);
  SyncEcho service;
  grpc::ServerBuilder builder;
  process.Listen(builder);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = process.Start(builder);
  process.WaitForTermination();
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
