#include "platform/rpc/health/health_service.h"

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace weft::rpc {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

// One open Watch call: known to the service from construction to destruction. Lives on the stack of
// the call's fiber.
class HealthService::Watcher {
 public:
  Watcher(HealthService& health, const std::string& service) : health_(health), service_(service) {
    absl::MutexLock lock(&health_.mutex_);
    if (health_.watchers_ >= kWatchersMax) return;
    ++health_.watchers_;
    registered_ = health_.services_[service_].watchers.insert(&bell_).second;
  }

  ~Watcher() {
    if (!registered_) return;
    absl::MutexLock lock(&health_.mutex_);
    --health_.watchers_;
    const auto entry = health_.services_.find(service_);
    entry->second.watchers.erase(&bell_);
    // An unknown service is kept only while it is watched.
    if (!entry->second.status && entry->second.watchers.empty()) health_.services_.erase(entry);
  }

  bool registered() const { return registered_; }

  // The status to show now; UNAVAILABLE when the call is to end.
  absl::StatusOr<ServingStatus> Current() const {
    absl::ReaderMutexLock lock(&health_.mutex_);
    if (health_.watches_ended_) return absl::UnavailableError("the server is shutting down");
    return health_.services_.find(service_)->second.status.value_or(
        HealthCheckResponse::SERVICE_UNKNOWN);
  }

  // Parks until something may have changed. A cancel point.
  absl::Status Wait() { return bell_.ReceiveOr().status(); }

 private:
  HealthService& health_;
  const std::string& service_;
  Doorbell bell_{1};
  bool registered_ = false;
};

HealthService::HealthService() {
  absl::MutexLock lock(&mutex_);
  services_[""].status = HealthCheckResponse::NOT_SERVING;
}

HealthService::~HealthService() {
  weft::Check(watchers() == 0, "a HealthService is destroyed while Watch calls are open");
}

void HealthService::SetServing(absl::string_view service, bool serving) {
  const ServingStatus status =
      serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  absl::MutexLock lock(&mutex_);
  if (shut_down_) return;
  Entry& entry = services_[std::string(service)];
  if (entry.status == status) return;
  entry.status = status;
  for (Doorbell* bell : entry.watchers) bell->TrySend(true);
}

void HealthService::Shutdown() {
  absl::MutexLock lock(&mutex_);
  shut_down_ = true;
  for (auto& [service, entry] : services_) {
    if (!entry.status) continue;
    entry.status = HealthCheckResponse::NOT_SERVING;
    for (Doorbell* bell : entry.watchers) bell->TrySend(true);
  }
}

void HealthService::EndWatches() {
  absl::MutexLock lock(&mutex_);
  watches_ended_ = true;
  for (auto& [service, entry] : services_) {
    for (Doorbell* bell : entry.watchers) bell->TrySend(true);
  }
}

size_t HealthService::watchers() const {
  absl::ReaderMutexLock lock(&mutex_);
  return watchers_;
}

absl::StatusOr<HealthCheckResponse> HealthService::Check(weft::CallContext& /*call*/,
                                                         const HealthCheckRequest& request) {
  absl::ReaderMutexLock lock(&mutex_);
  const auto entry = services_.find(request.service());
  if (entry == services_.end() || !entry->second.status) {
    return absl::NotFoundError(
        absl::StrCat("no service \"", request.service(), "\" is known to this server's health"));
  }
  HealthCheckResponse response;
  response.set_status(*entry->second.status);
  return response;
}

absl::Status HealthService::Watch(weft::CallContext& /*call*/, const HealthCheckRequest& request,
                                  ServerWriter<HealthCheckResponse>& replies) {
  if (request.service().size() > kWatchedNameBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a service's name of ", request.service().size(),
                                                   " bytes: the limit is ", kWatchedNameBytesMax));
  }
  Watcher watcher(*this, request.service());
  if (!watcher.registered()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("this server has ", kWatchersMax, " health watchers and takes no more"));
  }
  absl::optional<ServingStatus> sent;
  for (;;) {
    const absl::StatusOr<ServingStatus> current = watcher.Current();
    if (!current.ok()) return current.status();
    if (sent == *current) {
      if (absl::Status s = watcher.Wait(); !s.ok()) return s;
      continue;
    }
    HealthCheckResponse response;
    response.set_status(*current);
    if (absl::Status s = replies.Write(response); !s.ok()) return s;
    sent = *current;
  }
}

}  // namespace weft::rpc
