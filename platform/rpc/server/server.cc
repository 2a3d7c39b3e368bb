#include "platform/rpc/server/server.h"

#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"
#include "platform/rpc/internal/acceptor.h"
#include "platform/rpc/internal/core_server_args.h"
#include "platform/rpc/internal/read_turns.h"
#include "platform/rpc/internal/server_shard.h"
#include "platform/rpc/internal/tls_credentials.h"

namespace weft::rpc {

absl::Status UnimplementedMethod(const MethodDescriptor& method) {
  return absl::UnimplementedError(
      absl::StrCat("the method ", method.name(), " is declared but has no handler"));
}

namespace {

using internal::Acceptor;
using internal::Connection;
using internal::Operation;
using internal::RegisteredMethod;
using internal::RestingReads;
using internal::ServerShard;

constexpr double kMaxStreamRequestsPerSecond = 1e6;

constexpr MethodDescriptor kUnregistered = {"/other", MethodKind::kUnary};

// Registers methods with gRPC's C++ server by name alone, with no generated gRPC code. A method
// without a C++ handler counts as asynchronous; the server leaves its core handle in it.
class NamedMethods final : public grpc::Service {
 public:
  void Add(const MethodDescriptor& descriptor) {
    auto* const method = new grpc::internal::RpcServiceMethod(
        descriptor.path, ToCoreType(descriptor.kind), /*handler=*/nullptr);
    AddMethod(method);  // Takes it.
    methods_.push_back(method);
  }
  void* handle(size_t i) const { return methods_[i]->server_tag(); }

 private:
  static grpc::internal::RpcMethod::RpcType ToCoreType(MethodKind kind) {
    switch (kind) {
      case MethodKind::kUnary:
        return grpc::internal::RpcMethod::NORMAL_RPC;
      case MethodKind::kServerStreaming:
        return grpc::internal::RpcMethod::SERVER_STREAMING;
      case MethodKind::kClientStreaming:
        return grpc::internal::RpcMethod::CLIENT_STREAMING;
      case MethodKind::kBidirectional:
        break;
    }
    return grpc::internal::RpcMethod::BIDI_STREAMING;
  }
  std::vector<grpc::internal::RpcServiceMethod*> methods_;
};

// Counts shards down, for a thread that waits for all of them, for a time.
class ShardsDone {
 public:
  explicit ShardsDone(int shards) : pending_(shards) {}
  void Done() {
    absl::MutexLock hold(&mutex_);
    --pending_;
  }
  bool WaitFor(absl::Duration timeout) {
    absl::MutexLock hold(&mutex_);
    const auto all = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return pending_ == 0; };
    return mutex_.AwaitWithTimeout(absl::Condition(&all), timeout);
  }

 private:
  absl::Mutex mutex_;
  int pending_;
};

class ServerImpl final : public Server {
 public:
  ServerImpl(Runtime& runtime, ShardQueues& queues, ServerOptions options)
      : runtime_(runtime), queues_(queues), options_(std::move(options)) {}
  ~ServerImpl() override;

  absl::Status Start(const std::vector<Service*>& services);
  const std::vector<int>& ports() const override { return ports_; }
  absl::Status Shutdown(const ShutdownOptions& options) override;
  void BreakConnections() override { acceptor_->BreakConnections(); }
  ServerStats Stats() const override;

 private:
  class ShutdownOperation final : public Operation {
   public:
    explicit ShutdownOperation(std::shared_ptr<ShardsDone> done) : done_(std::move(done)) {}
    void Notify(bool) override {
      done_->Done();
      delete this;
    }

   private:
    const std::shared_ptr<ShardsDone> done_;
  };

  absl::Status RegisterMethods(const std::vector<Service*>& services);
  absl::Status BuildCoreServer();
  void StartShards();
  void StartAcceptor();
  void StopTakingCalls();
  absl::Status StuckStatus();
  template <typename F>
  void OnEachShard(F function);

  Runtime& runtime_;
  ShardQueues& queues_;
  const ServerOptions options_;
  NamedMethods named_methods_;
  grpc::AsyncGenericService generic_service_;
  std::vector<RegisteredMethod> methods_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> hand_over_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<ServerShard>> shards_;
  std::vector<std::shared_ptr<internal::ReadTurns>> read_turns_;  // by shard
  std::vector<int> ports_;
  // Of the shutdown, once it has begun.
  std::shared_ptr<ShardsDone> core_down_;
  std::shared_ptr<ShardsDone> idle_;
  bool shut_down_ = false;
};

absl::Status ServerImpl::Start(const std::vector<Service*>& services) {
  if (queues_.shards() != runtime_.shards()) {
    return absl::InvalidArgumentError(absl::StrCat("the runtime has ", runtime_.shards(),
                                                   " shards and the ShardQueues ", queues_.shards(),
                                                   ": give both the same number"));
  }
  if (options_.tls.has_value()) {
    if (absl::Status s = Validate(*options_.tls); !s.ok()) return s;
  }
  if (absl::Status s = Validate(options_.connections); !s.ok()) return s;
  if (options_.stream_idle_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "ServerOptions::stream_idle_timeout must be greater than zero; "
        "absl::InfiniteDuration() turns it off");
  }
  if (!(options_.stream_requests_per_second >= 0 &&
        options_.stream_requests_per_second <= kMaxStreamRequestsPerSecond)) {
    return absl::InvalidArgumentError(
        "ServerOptions::stream_requests_per_second must be from 0 (no limit) to a million");
  }
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      Acceptor::Listen({.addresses = options_.listen,
                        .max_connections = options_.connections.max_connections,
                        .collect_writes = options_.coalesce_replies == CoalesceReplies::kCollect,
                        .fair_reads = options_.connections.fair_reads});
  if (!acceptor.ok()) return acceptor.status();
  acceptor_ = *std::move(acceptor);
  ports_ = acceptor_->ports();
  if (absl::Status s = RegisterMethods(services); !s.ok()) return s;
  if (absl::Status s = BuildCoreServer(); !s.ok()) return s;
  StartShards();
  StartAcceptor();
  return absl::OkStatus();
}

// No door may be open because nobody was told to stand at it.
absl::Status CheckScopesAreEnforced(const ServerOptions& options,
                                    const std::vector<Service*>& services) {
  const auto enforces = [](const auto* each) { return each->enforces_required_scopes(); };
  if (options.ignore_required_scopes ||
      std::any_of(options.interceptors.begin(), options.interceptors.end(), enforces)) {
    return absl::OkStatus();
  }
  for (const Service* const service : services) {
    for (const Service::Method& method : service->methods()) {
      if (method.descriptor->options.required_scopes.empty()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("the method ", method.descriptor->name(), " requires the scopes \"",
                       method.descriptor->options.required_scopes,
                       "\", but the server has no authentication: add a JwtAuthenticator, or set "
                       "ServerOptions::ignore_required_scopes"));
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::RegisterMethods(const std::vector<Service*>& services) {
  if (absl::Status s = options_.stacks.CheckMethods(services); !s.ok()) return s;
  if (absl::Status s = CheckScopesAreEnforced(options_, services); !s.ok()) return s;
  std::set<std::string> paths;
  for (Service* const service : services) {
    for (const Service::Method& method : service->methods()) {
      if (!paths.insert(method.descriptor->path).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("the method ", method.descriptor->name(),
                         " is registered twice: a service may be served by one handler only"));
      }
      named_methods_.Add(*method.descriptor);
      methods_.push_back({.descriptor = method.descriptor,
                          .service = service,
                          .handler = method.handler,
                          .stack = options_.stacks.Of(*method.descriptor)});
    }
  }
  return absl::OkStatus();
}

absl::Status ServerImpl::BuildCoreServer() {
  const std::unique_ptr<grpc::ServerBuilder> taken = queues_.TakeBuilder();
  if (taken == nullptr) {
    return absl::FailedPreconditionError(
        "these ShardQueues have had a server: make new ones, and a runtime on them, for another");
  }
  grpc::ServerBuilder& builder = *taken;
  internal::AddCoreServerArgs(options_.connections, &builder);
  builder.RegisterService(&named_methods_);
  // Never asked for a call: without a generic service the C++ server would put requests of its own
  // for unknown methods into our queues.
  builder.RegisterAsyncGenericService(&generic_service_);
  hand_over_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      options_.tls.has_value() ? internal::MakeTlsServerCredentials(*options_.tls)
                               : grpc::InsecureServerCredentials());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr)
    return absl::InternalError("gRPC could not start the server; see its log");
  for (size_t i = 0; i < methods_.size(); ++i) methods_[i].handle = named_methods_.handle(i);
  methods_.push_back({.descriptor = &kUnregistered});
  return absl::OkStatus();
}

template <typename F>
void ServerImpl::OnEachShard(F function) {
  for (int i = 0; i < runtime_.shards(); ++i) {
    runtime_.Post(i, [function, shard = shards_[static_cast<size_t>(i)].get()]() mutable {
      function(*shard);
    });
  }
}

void ServerImpl::StartShards() {
  const ServerShard::Environment environment = {
      runtime_.clock(), options_, server_->c_server(),
      options_.coalesce_replies == CoalesceReplies::kOff ? nullptr : &acceptor_->table(), methods_};
  for (int i = 0; i < runtime_.shards(); ++i) {
    shards_.push_back(std::make_unique<ServerShard>(environment));
  }
  auto started = std::make_shared<ShardsDone>(runtime_.shards());
  OnEachShard([started](ServerShard& shard) {
    shard.Start();
    started->Done();
  });
  started->WaitFor(absl::InfiniteDuration());
}

void ServerImpl::StartAcceptor() {
  for (int shard = 0; shard < runtime_.shards(); ++shard) {
    read_turns_.push_back(std::make_shared<internal::ReadTurns>(runtime_, shard));
  }
  acceptor_->Start({
      .hand_over =
          [this](int listener, int descriptor) {
            grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
            parameters.listener_fd = listener;
            parameters.fd = descriptor;
            hand_over_->HandleNewConnection(&parameters);
          },
      .closed =
          [this](const std::shared_ptr<Connection>& connection) {
            OnEachShard(
                [connection](ServerShard& shard) { shard.connections().Forget(connection.get()); });
          },
      .rested =
          [this](const RestingReads::Connection& connection) {
            read_turns_[static_cast<size_t>(connection.shard)]->Add(connection.descriptor);
          },
  });
}

absl::Status ServerImpl::Shutdown(const ShutdownOptions& options) {
  if (shut_down_) return absl::OkStatus();
  if (idle_ == nullptr) StopTakingCalls();
  // 2. Calls in flight finish; what has not after the grace interval is cancelled.
  if (!idle_->WaitFor(options.grace)) {
    OnEachShard([](ServerShard& shard) { shard.CancelCallsForDrain(); });
    if (!idle_->WaitFor(options.after_cancel)) return StuckStatus();
  }
  // 3. gRPC closes the connections, then lets go of the server.
  grpc_server_cancel_all_calls(server_->c_server());
  core_down_->WaitFor(absl::InfiniteDuration());
  acceptor_->Stop();
  server_->Shutdown();
  // The acceptor has posted its last: behind it nothing touches the shards.
  auto posts_done = std::make_shared<ShardsDone>(runtime_.shards());
  OnEachShard([posts_done](ServerShard&) { posts_done->Done(); });
  posts_done->WaitFor(absl::InfiniteDuration());
  shut_down_ = true;
  return absl::OkStatus();
}

// 1. No new connections; gRPC tells clients (GOAWAY) and takes no new calls: the slots end.
// Handlers are told after that: a client whose stream ends by itself opens it anew, and not here.
void ServerImpl::StopTakingCalls() {
  acceptor_->StopListening();
  core_down_ = std::make_shared<ShardsDone>(1);
  idle_ = std::make_shared<ShardsDone>(runtime_.shards());
  runtime_.Post(0, [this, down = core_down_, idle = idle_] {
    grpc_server_shutdown_and_notify(server_->c_server(), queues_.queue(0).cq(),
                                    (new ShutdownOperation(down))->tag());
    OnEachShard([idle](ServerShard& shard) {
      shard.TellOfDrain();
      shard.WhenIdle([idle] { idle->Done(); });
    });
  });
}

absl::Status ServerImpl::StuckStatus() {
  struct Running {
    absl::Mutex mutex;
    std::map<std::string, int> methods;
  };
  auto running = std::make_shared<Running>();
  auto asked = std::make_shared<ShardsDone>(runtime_.shards());
  OnEachShard([running, asked](ServerShard& shard) {
    {
      absl::MutexLock hold(&running->mutex);
      for (const std::string& method : shard.RunningMethods()) ++running->methods[method];
    }
    asked->Done();
  });
  // A handler that never parks keeps its shard from answering.
  const bool all_answered = asked->WaitFor(absl::Milliseconds(500));
  absl::MutexLock hold(&running->mutex);
  return absl::DeadlineExceededError(
      absl::StrCat("handlers did not return after they were cancelled: ",
                   absl::StrJoin(running->methods, ", ",
                                 [](std::string* out, const auto& method) {
                                   absl::StrAppend(out, method.second, " of ", method.first);
                                 }),
                   all_answered ? "" : "; and a shard is held by a handler that does not park"));
}

ServerImpl::~ServerImpl() {
  if (server_ == nullptr) return;
  const absl::Status status = Shutdown({});
  Check(status.ok(), "a server with handlers that do not return cannot be destroyed: exit instead");
}

ServerStats ServerImpl::Stats() const {
  ServerStats stats;
  stats.connections_accepted_total = acceptor_->accepted_total();
  stats.connections_refused_total = acceptor_->refused_total();
  stats.connections_open = acceptor_->open_connections();
  for (const auto& shard : shards_) stats.calls_in_flight += shard->in_flight();
  return stats;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Runtime& runtime, ShardQueues& queues,
                                                      ServerOptions options,
                                                      std::vector<Service*> services) {
  SortForServer(options.interceptors);
  auto server = std::make_unique<ServerImpl>(runtime, queues, std::move(options));
  if (absl::Status s = server->Start(services); !s.ok()) return s;
  return server;
}

}  // namespace weft::rpc
