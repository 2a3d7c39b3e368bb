// What the three hand-written gRPC servers share: the address flag, the line that tells their port,
// and an orderly end on SIGTERM. Everything that is measured stays in the servers themselves.
//
//   int main(int argc, char** argv) {
//     weft::load::RawServerProcess process(argc, argv);   // first: before gRPC starts threads
//     grpc::ServerBuilder builder;
//     process.Listen(builder);
//     ...
//     std::unique_ptr<grpc::Server> server = process.Start(builder);
//     process.WaitForTermination();
//     server->Shutdown();
//   }
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "tests/testing/serving_process.h"

namespace weft::load {

// One per process, made on the main thread before any other thread.
class RawServerProcess {
 public:
  // Parses the command line (--listen=HOST:PORT and the flags the server declares itself), blocks
  // SIGTERM and SIGINT in this thread and in those that it will start, and turns off Abseil's
  // search for lock cycles, which costs a busy gRPC server 8 % of its time.
  RawServerProcess(int argc, char** argv);

  // Adds the insecure port of --listen to `builder`.
  void Listen(grpc::ServerBuilder& builder);

  // Starts the server and prints "LISTENING <port>". Ends the process with status 1 and one line
  // on stderr when the address cannot be had.
  std::unique_ptr<grpc::Server> Start(grpc::ServerBuilder& builder);

  // Blocks the calling thread until SIGTERM or SIGINT comes.
  void WaitForTermination() { process_.WaitForTermination(); }

 private:
  testing::ServingProcess process_;
  int port_ = 0;
};

}  // namespace weft::load
