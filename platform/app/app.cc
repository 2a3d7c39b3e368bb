#include "platform/app/app.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/auth_config.h"
#include "platform/app/channel_config.h"
#include "platform/app/connection_config.h"
#include "platform/app/tls_config.h"
#include "platform/base/clock.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/metrics/registry.h"

namespace weft::app {
namespace {

constexpr observability::Logger kLog("app");

// "catalog.v1.Catalog" of "catalog.v1.Catalog/GetProduct".
absl::string_view ServiceName(const rpc::MethodDescriptor& method) {
  const absl::string_view name = method.name();
  return name.substr(0, name.find('/'));
}

// The same error, behind the key that it is about.
absl::Status AboutKey(absl::string_view key, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(key, ": ", std::string(status.message())));
}

}  // namespace

App::App(const AppOptions& options, Config config, ShutdownSignals& signals)
    : options_(options),
      config_(std::move(config)),
      signals_(signals),
      profile_pages_(options.name) {}

absl::Status App::Start(SetUp set_up) {
  if (absl::Status s = StartRuntime(); !s.ok()) return s;
  if (absl::Status s = StartAdminServer(); !s.ok()) return s;
  kLog.Debug("set-up begins", {{"admin_port", admin_->port()}});
  if (absl::Status s = set_up(*this); !s.ok()) return s;
  WarmUp();
  return StartServer();
}

absl::Status App::StartRuntime() {
  absl::StatusOr<std::unique_ptr<observability::Telemetry>> telemetry =
      observability::Telemetry::Start(
          {.service_name = options_.name,
           .service_version = options_.version,
           .access_sample_ratio = config_.Double("log.access_sample_ratio"),
           .record_calls = config_.Bool("admin.record_calls"),
           .otlp_endpoint = config_.String("tracing.otlp_endpoint"),
           .otlp_protocol =
               observability::ParseOtlpProtocol(config_.String("tracing.otlp_protocol")).value(),
           .sample_ratio = config_.Double("tracing.sample_ratio"),
           .slow_call = config_.Duration("tracing.slow_call")});
  if (!telemetry.ok()) return AboutKey("tracing.otlp_endpoint", telemetry.status());
  telemetry_ = *std::move(telemetry);

  if (absl::Status s = CheckTls(config_); !s.ok()) return s;
  queues_ = std::make_unique<rpc::ShardQueues>(config_.Int("shards"));
  runtime_ = std::make_unique<Runtime>(
      RuntimeOptions{.shards = queues_->shards(),
                     .stack_bytes = config_.Int<size_t>("fibers.stack_bytes"),
                     .small_stack_bytes = config_.Int<size_t>("fibers.small_stack_bytes"),
                     .large_stack_bytes = config_.Int<size_t>("fibers.large_stack_bytes"),
                     .poller_factory = queues_->Pollers(),
                     .observer = telemetry_->runtime_observer(),
                     .name = options_.name,
                     .blocking_threads = config_.Int("blocking.threads"),
                     .compute_threads = config_.Int("compute.threads"),
                     .stall_threshold = config_.Duration("fibers.stall_threshold")});
  attachments_.push_back(telemetry_->AttachRuntime(*runtime_));
  Watch(runtime_->blocking_pool());
  Watch(runtime_->compute_pool());
  return absl::OkStatus();
}

absl::Status App::StartAdminServer() {
  fibers_pages_ = std::make_unique<FibersPages>(*runtime_, config_.Bool("admin.allow_cancel"));
  const std::string title = absl::StrCat(options_.name, " ", options_.version);
  console_ = std::make_unique<ConsolePages>(config_, *runtime_, *telemetry_, readiness_, title);
  const auto ok = [](const AdminRequest&) { return AdminReply{.body = "ok\n"}; };
  const auto metrics = [this](const AdminRequest&) {
    return AdminReply{.content_type = observability::kMetricsContentType,
                      .body = telemetry_->RenderMetrics()};
  };
  std::vector<AdminPage> pages = {
      {.path = "/livez", .help = "is the process alive", .handler = ok, .open = true},
      {.path = "/readyz",
       .help = "should it be sent calls",
       .handler = [this](const AdminRequest&) { return readiness_.Reply(); },
       .open = true},
      {.path = "/metrics",
       .help = "for Prometheus",
       .handler = metrics,
       .open = !config_.Bool("admin.protect_metrics")},
      {.path = "/debug/fibers",
       .help = "what every fiber does now; see ?view=tree and ?view=stacks",
       .handler = [this](const AdminRequest& request) { return fibers_pages_->Show(request); }},
      {.path = "/debug/fibers/cancel",
       .help = "",
       .handler = [this](const AdminRequest& request) { return fibers_pages_->Cancel(request); },
       .changes_something = true},
      {.path = "/debug/log",
       .help = "levels of the log by module; change them here",
       .handler = [this](const AdminRequest& request) { return log_pages_.Show(request); }},
      {.path = "/debug/log/set",
       .help = "",
       .handler = [this](const AdminRequest& request) { return log_pages_.Set(request); },
       .changes_something = true}};
  for (AdminPage& page : console_->Pages()) pages.push_back(std::move(page));
  for (AdminPage& page : profile_pages_.Pages()) pages.push_back(std::move(page));
  AdminServerOptions options = {.listen = config_.String("admin.listen"), .title = title};
  const std::string& token_file = config_.String("admin.token_file");
  if (!token_file.empty()) {
    absl::StatusOr<std::unique_ptr<AdminToken>> token = AdminToken::FromFile(token_file);
    if (!token.ok()) return AboutKey("admin.token_file", token.status());
    options.token = *std::move(token);
  }
  absl::StatusOr<std::unique_ptr<AdminServer>> admin =
      AdminServer::Start(std::move(options), std::move(pages));
  if (!admin.ok()) return AboutKey("admin.listen", admin.status());
  admin_ = *std::move(admin);
  if (!admin_->on_loopback() && token_file.empty()) {
    kLog.Warning("the admin pages are open to whoever reaches their port; set admin.token_file",
                 {{"listen", config_.String("admin.listen")}});
  }
  return absl::OkStatus();
}

void App::AddService(rpc::Service& service) {
  services_.push_back(&service);
  telemetry_->RegisterService(service);
}

void App::StartAdmission() {
  if (config_.Bool("admission.enabled")) {
    admission_ = std::make_unique<rpc::Admission>(
        runtime_->shards(),
        rpc::AdmissionOptions{.initial_limit = config_.Int("admission.initial_limit"),
                              .target_delay = config_.Duration("admission.target_delay")});
    attachments_.push_back(telemetry_->AttachAdmission(*admission_));
  }
  if (config_.Double("admission.client_calls_per_second") > 0) {
    client_rate_limit_ = std::make_unique<rpc::ClientRateLimit>(rpc::ClientRateLimitOptions{
        .calls_per_second = config_.Double("admission.client_calls_per_second"),
        .burst = static_cast<double>(config_.Int("admission.client_burst"))});
    attachments_.push_back(telemetry_->AttachClientRateLimit(*client_rate_limit_));
  }
}

absl::Status App::StartServer() {
  StartAdmission();
  if (absl::Status s = CheckRequiredScopes(config_, services_); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<rpc::JwtAuthenticator>> authenticator =
      MakeAuthenticator(config_, runtime_->shards());
  if (!authenticator.ok()) return authenticator.status();
  authenticator_ = *std::move(authenticator);
  attachments_.push_back(telemetry_->AttachAuthenticator(authenticator_.get()));
  services_.push_back(&health_);
  reflection_ = std::make_unique<rpc::Reflection>(services_);
  for (rpc::Service* service : reflection_->services()) services_.push_back(service);

  absl::StatusOr<rpc::CallStacks> stacks =
      rpc::ParseCallStacks(config_.String("fibers.call_stacks"));
  if (!stacks.ok()) return AboutKey("fibers.call_stacks", stacks.status());
  if (absl::Status s = stacks->CheckMethods(services_); !s.ok()) {
    return AboutKey("fibers.call_stacks", s);
  }

  std::vector<rpc::ServerInterceptor*> interceptors = telemetry_->server_interceptors();
  interceptors.push_back(&drain_report_);
  if (client_rate_limit_ != nullptr) interceptors.push_back(client_rate_limit_.get());
  if (authenticator_ != nullptr) interceptors.push_back(authenticator_.get());
  if (admission_ != nullptr) interceptors.push_back(admission_.get());
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
      *runtime_, *queues_,
      {.listen = {config_.String("grpc.listen")},
       .tls = ServerTls(config_),
       .max_receive_message_bytes = config_.Int("grpc.max_receive_message_bytes"),
       .send_internal_messages = config_.Bool("grpc.send_internal_messages"),
       .deadline_margin = config_.Duration("grpc.deadline_margin"),
       .connections = ServerConnections(config_),
       .stream_idle_timeout = config_.DurationOrNever("grpc.stream_idle_timeout"),
       .stream_requests_per_second = config_.Double("grpc.stream_requests_per_second"),
       .stacks = *std::move(stacks),
       .ignore_required_scopes = config_.Bool("auth.ignore_required_scopes"),
       .interceptors = std::move(interceptors)},
      services_);
  if (!server.ok()) return AboutKey("grpc.listen", server.status());
  server_ = *std::move(server);
  attachments_.push_back(telemetry_->AttachServer(*server_));

  for (const rpc::Service* service : services_) {
    for (const rpc::Service::Method& method : service->methods()) {
      health_.SetServing(ServiceName(*method.descriptor), true);
    }
  }
  health_.SetServing("", true);
  readiness_.SetReady();
  return absl::OkStatus();
}

void App::Announce() {
  const int grpc_port = server_->ports()[0];
  kLog.Info("serving", {{"service", options_.name},
                        {"version", options_.version},
                        {"grpc_port", grpc_port},
                        {"admin_port", admin_->port()},
                        {"shards", runtime_->shards()}});
  std::printf("LISTENING grpc=%d admin=%d\n", grpc_port, admin_->port());
  std::fflush(stdout);
}

absl::StatusOr<std::shared_ptr<rpc::Channel>> App::Channel(const std::string& target) {
  rpc::ChannelOptions options = ConfiguredChannel(config_);
  options.interceptors = telemetry_->client_interceptors();
  auto channel = rpc::Channel::Create(target, std::move(options));
  if (channel.ok()) {
    telemetry_->WatchChannel(*channel);
    absl::MutexLock hold(&cold_channels_mutex_);
    if (cold_channels_.has_value()) cold_channels_->push_back(*channel);
  }
  return channel;
}

void App::WarmUp() {
  std::vector<std::shared_ptr<rpc::Channel>> channels;
  {
    absl::MutexLock hold(&cold_channels_mutex_);
    channels = *std::exchange(cold_channels_, std::nullopt);
  }
  const absl::Duration limit = config_.Duration("channel.warm_up");
  if (limit == absl::ZeroDuration()) return;
  const absl::Time deadline = Clock::Real().Now() + limit;
  for (const std::shared_ptr<rpc::Channel>& channel : channels) {
    if (absl::Status s = channel->Connect(deadline); !s.ok()) {
      kLog.Warning("starting without a connection", {{"error", std::string(s.message())}});
    }
  }
}

void App::Watch(const BlockingPool& pool) {
  attachments_.push_back(telemetry_->AttachBlockingPool(pool));
}

absl::Duration App::ShutdownLimit() const {
  return config_.Duration("drain.grace") + config_.Duration("drain.timeout") + kAfterCancel +
         kFlushTimeout + kShutdownMargin;
}

absl::Status App::Drain(ExitGuard& guard) {
  const absl::Duration grace = config_.Duration("drain.grace");
  const absl::Duration timeout = config_.Duration("drain.timeout");
  kLog.Info("draining", {{"grace", absl::FormatDuration(grace)},
                         {"timeout", absl::FormatDuration(timeout)},
                         {"calls_in_flight", server_->Stats().calls_in_flight}});
  telemetry_->drain().Begin(ShutdownLimit());
  // 1. Before anything is refused, so that nobody who looks is sent here any more.
  guard.Enter("telling that calls should go elsewhere");
  readiness_.SetNotReady("draining");
  health_.Shutdown();

  // 2. A request to shut down, asked for twice, ends the grace; a second signal ends the process.
  guard.Enter("accepting calls for drain.grace");
  signals_.Wait(grace);

  // 3. Open Watch calls would last as long as the timeout.
  guard.Enter("waiting for calls in flight");
  health_.EndWatches();
  drain_report_.Begin();
  const absl::Status stopped = server_->Shutdown({.grace = timeout, .after_cancel = kAfterCancel});
  const std::string cancelled = drain_report_.CancelledMethods();
  if (!cancelled.empty()) {
    kLog.Warning("cancelled calls that took longer than drain.timeout", {{"calls", cancelled}});
  }
  if (!stopped.ok()) {
    kLog.Error("exiting with calls that do not end", {{"error", std::string(stopped.message())}});
  }

  // 4. After the last call has ended its spans.
  guard.Enter("exporting the last spans");
  telemetry_->Shutdown(kFlushTimeout);
  return stopped;
}

App::~App() {
  // 5. First of all: its pages use the rest. It waits for them, and a profile takes minutes.
  profile_pages_.Stop();
  admin_.reset();
  // 6. Nobody reads the metrics any more, and no call is in flight, which could use a service.
  attachments_.clear();
  server_.reset();
  while (!kept_.empty()) kept_.pop_back();
  runtime_.reset();
  queues_.reset();
  telemetry_.reset();
}

}  // namespace weft::app
