#include "tests/load/raw_server.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/synchronization/mutex.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "Address to listen on; port 0 takes a free one.");

namespace weft::load {

RawServerProcess::RawServerProcess(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

void RawServerProcess::Listen(grpc::ServerBuilder& builder) {
  builder.AddListeningPort(absl::GetFlag(FLAGS_listen), grpc::InsecureServerCredentials(), &port_);
}

std::unique_ptr<grpc::Server> RawServerProcess::Start(grpc::ServerBuilder& builder) {
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port_ == 0) {
    std::fprintf(stderr, "cannot listen on %s\n", absl::GetFlag(FLAGS_listen).c_str());
    std::exit(1);
  }
  process_.AnnouncePort(port_);
  return server;
}

}  // namespace weft::load
