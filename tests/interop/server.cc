// The interoperability server, with the flags that other languages' have.
//
//   interop_server --port=8080
//   interop_server --port=0 --use_tls=true --tls_cert_file=server.pem --tls_key_file=server.key
//
// Prints `LISTENING <port>`; SIGTERM and SIGINT end it.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"
#include "tests/interop/test_service.h"
#include "tests/testing/serving_process.h"

ABSL_FLAG(int, port, 8080, "port on all addresses; 0 takes a free one");
ABSL_FLAG(bool, use_tls, false, "TLS instead of plaintext");
ABSL_FLAG(std::string, tls_cert_file, "", "the server's certificate (PEM)");
ABSL_FLAG(std::string, tls_key_file, "", "its private key (PEM)");
ABSL_FLAG(std::string, tls_client_ca_file, "",
          "authorities of clients' certificates (PEM); set: mutual TLS");
ABSL_FLAG(int, shards, 0, "threads; 0: as many as the CPU quota");

namespace weft::interop {
namespace {

std::optional<rpc::TlsServerOptions> Tls() {
  if (!absl::GetFlag(FLAGS_use_tls)) return std::nullopt;
  return rpc::TlsServerOptions{.certificate_file = absl::GetFlag(FLAGS_tls_cert_file),
                               .private_key_file = absl::GetFlag(FLAGS_tls_key_file),
                               .client_ca_file = absl::GetFlag(FLAGS_tls_client_ca_file)};
}

int Serve() {
  testing::ServingProcess process;

  rpc::ShardQueues queues(absl::GetFlag(FLAGS_shards));
  Runtime runtime({.shards = queues.shards(), .poller_factory = queues.Pollers()});
  TestService service;
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
      runtime, queues,
      {.listen = {absl::StrCat("0.0.0.0:", absl::GetFlag(FLAGS_port))}, .tls = Tls()}, {&service});
  if (!server.ok()) {
    std::fprintf(stderr, "interop_server: %s\n", server.status().ToString().c_str());
    return 1;
  }
  process.AnnouncePort((*server)->ports()[0]);
  process.WaitForTermination();
  return (*server)->Shutdown({.grace = absl::Seconds(1)}).ok() ? 0 : 1;
}

}  // namespace
}  // namespace weft::interop

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("gRPC's interoperability server, on Weft");
  absl::ParseCommandLine(argc, argv);
  return weft::interop::Serve();
}
