#include "platform/rpc/admission/client_rate_limit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/admission/token_buckets.h"

namespace weft::rpc {
namespace {

std::string ClientOfConnection(const CallContext& call) {
  const std::vector<std::string> identities = call.peer_identities();
  return identities.empty() ? PeerHost(call.peer()) : identities.front();
}

}  // namespace

struct ClientRateLimit::Part {
  mutable absl::Mutex mutex;
  std::unique_ptr<TokenBuckets> buckets ABSL_GUARDED_BY(mutex);
  uint64_t refused_total ABSL_GUARDED_BY(mutex) = 0;
};

std::string PeerHost(absl::string_view peer) {
  if (!absl::ConsumePrefix(&peer, "ipv4:") && !absl::ConsumePrefix(&peer, "ipv6:")) {
    return std::string(peer);
  }
  const absl::string_view host = peer.substr(0, peer.rfind(':'));
  return absl::StrReplaceAll(host, {{"%5B", "["}, {"%5D", "]"}});
}

ClientRateLimit::ClientRateLimit(ClientRateLimitOptions options)
    : options_(std::move(options)), parts_(std::make_unique<Part[]>(kParts)) {
  Check(options_.calls_per_second > 0 && options_.burst >= 1,
        "ClientRateLimitOptions: calls_per_second must be above 0 and burst at least 1");
  for (size_t i = 0; i < kParts; ++i) {
    absl::MutexLock hold(&parts_[i].mutex);
    parts_[i].buckets =
        std::make_unique<TokenBuckets>(options_.calls_per_second, options_.burst,
                                       std::max<size_t>(options_.max_clients / kParts, 1));
  }
}

ClientRateLimit::~ClientRateLimit() = default;

ClientRateLimit::Part& ClientRateLimit::PartOf(absl::string_view client) const {
  return parts_[absl::HashOf(client) % kParts];
}

absl::Status ClientRateLimit::Intercept(CallContext& call, Next next) {
  if (call.method().of_grpc()) return next();
  const std::string client = options_.client ? options_.client(call) : ClientOfConnection(call);
  const int64_t now_nanos = Runtime::Current()->clock().MonotonicNanos();
  int64_t wait_nanos = 0;
  {
    Part& part = PartOf(client);
    absl::MutexLock hold(&part.mutex);
    wait_nanos = part.buckets->Take(client, now_nanos);
    if (wait_nanos > 0) ++part.refused_total;
  }
  if (wait_nanos == 0) return next();
  call.AddTrailingMetadata(kRetryPushbackKey, absl::StrCat((wait_nanos + 999'999) / 1'000'000));
  return absl::ResourceExhaustedError(
      absl::StrCat("more than ", options_.calls_per_second, " calls a second from one client"));
}

ClientRateLimit::Stats ClientRateLimit::GetStats() const {
  Stats stats;
  for (size_t i = 0; i < kParts; ++i) {
    absl::MutexLock hold(&parts_[i].mutex);
    stats.refused_total += parts_[i].refused_total;
    stats.clients += parts_[i].buckets->size();
  }
  return stats;
}

}  // namespace weft::rpc
