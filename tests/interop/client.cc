// The interoperability client, with the flags that other languages' have.
//
//   interop_client --server_host=127.0.0.1 --server_port=8080 --test_case=large_unary
//   interop_client … --use_tls=true --ca_file=ca.pem --server_host_override=foo.test.google.fr
//
// `--test_case=all` runs all cases in turn. Exit status 0: passed.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/shard_queues.h"
#include "tests/interop/cases.h"

ABSL_FLAG(std::string, server_host, "localhost", "host of the server");
ABSL_FLAG(int, server_port, 8080, "port of the server");
ABSL_FLAG(std::string, server_host_override, "",
          "the name that the server's certificate must have, where it is not the host");
ABSL_FLAG(std::string, test_case, "large_unary", "a case's name, or all");
ABSL_FLAG(bool, use_tls, false, "TLS instead of plaintext");
ABSL_FLAG(bool, use_test_ca, false, "trust --ca_file instead of the system's authorities");
ABSL_FLAG(std::string, ca_file, "", "authorities that are trusted (PEM)");
ABSL_FLAG(std::string, tls_cert_file, "", "this client's certificate (PEM), for mutual TLS");
ABSL_FLAG(std::string, tls_key_file, "", "its private key (PEM)");
ABSL_FLAG(int, soak_iterations, 10, "calls of a soak case");
ABSL_FLAG(int, soak_max_failures, 0, "calls that may fail");
ABSL_FLAG(int, soak_per_iteration_max_acceptable_latency_ms, 1000, "of a call that counts");
ABSL_FLAG(int, soak_overall_timeout_seconds, 10, "of a soak case");
ABSL_FLAG(int, soak_min_time_ms_between_rpcs, 0, "from the start of one to the next");

namespace weft::interop {
namespace {

absl::StatusOr<std::shared_ptr<rpc::Channel>> Connect() {
  rpc::ChannelOptions options = {.own_connection = true};
  if (absl::GetFlag(FLAGS_use_tls)) {
    if (absl::GetFlag(FLAGS_use_test_ca) && absl::GetFlag(FLAGS_ca_file).empty()) {
      return absl::InvalidArgumentError("--use_test_ca needs --ca_file: no authority is built in");
    }
    options.tls = {.ca_file = absl::GetFlag(FLAGS_ca_file),
                   .certificate_file = absl::GetFlag(FLAGS_tls_cert_file),
                   .private_key_file = absl::GetFlag(FLAGS_tls_key_file),
                   .server_name = absl::GetFlag(FLAGS_server_host_override)};
  }
  return rpc::Channel::Create(
      absl::StrCat(absl::GetFlag(FLAGS_server_host), ":", absl::GetFlag(FLAGS_server_port)),
      std::move(options));
}

SoakOptions Soak() {
  return {
      .iterations = absl::GetFlag(FLAGS_soak_iterations),
      .max_failures = absl::GetFlag(FLAGS_soak_max_failures),
      .max_latency =
          absl::Milliseconds(absl::GetFlag(FLAGS_soak_per_iteration_max_acceptable_latency_ms)),
      .min_between_calls = absl::Milliseconds(absl::GetFlag(FLAGS_soak_min_time_ms_between_rpcs)),
      .timeout = absl::Seconds(absl::GetFlag(FLAGS_soak_overall_timeout_seconds))};
}

// Whether it passed.
bool RunCase(const std::string& name, const Case& run) {
  absl::StatusOr<std::shared_ptr<rpc::Channel>> channel = Connect();
  absl::Status status = channel.status();
  if (channel.ok()) {
    Peer peer = {.connect = Connect, .channel = *std::move(channel), .soak = Soak()};
    status = run(peer);
  }
  std::printf("%s: %s\n", name.c_str(), status.ok() ? "passed" : status.ToString().c_str());
  std::fflush(stdout);
  return status.ok();
}

int Main() {
  const Cases cases = AllCases();
  const std::string wanted = absl::GetFlag(FLAGS_test_case);
  if (wanted != "all" && cases.count(wanted) == 0) {
    std::fprintf(stderr, "interop_client: there is no case '%s': all, %s\n", wanted.c_str(),
                 absl::StrJoin(cases, ", ", [](std::string* out, const auto& entry) {
                   out->append(entry.first);
                 }).c_str());
    return 2;
  }
  rpc::ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  bool passed = true;
  runtime.Run([&] {
    for (const auto& [name, run] : cases) {
      if (wanted == "all" || wanted == name) passed = RunCase(name, run) && passed;
    }
  });
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace weft::interop

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("gRPC's interoperability client, on Weft");
  absl::ParseCommandLine(argc, argv);
  return weft::interop::Main();
}
