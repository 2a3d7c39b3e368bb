#include "services/testing/local_server.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace services {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "LocalServer: %s\n", value.status().ToString().c_str());
    std::abort();
  }
  return *std::move(value);
}

}  // namespace

LocalServer::LocalServer(std::vector<weft::rpc::Service*> handlers)
    : queues_(/*shards=*/1), runtime_({.shards = 1, .poller_factory = queues_.Pollers()}) {
  server_ = OrDie(weft::rpc::Server::Start(runtime_, queues_, {.listen = {"127.0.0.1:0"}},
                                           std::move(handlers)));
  channel_ = OrDie(weft::rpc::Channel::Create(absl::StrCat("127.0.0.1:", server_->ports()[0]),
                                              {.own_connection = true}));
}

LocalServer::~LocalServer() { Stop(); }

void LocalServer::Stop() {
  if (server_ == nullptr) return;
  if (absl::Status s = server_->Shutdown({.grace = absl::ZeroDuration()}); !s.ok()) {
    std::fprintf(stderr, "LocalServer: %s\n", s.ToString().c_str());
    std::abort();  // a handler that does not return would hang the test in the next line
  }
  server_.reset();
}

}  // namespace services
