#include "platform/rpc/admission/shard_admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/runtime.h"

namespace weft::rpc {
namespace {

// What a criticality is granted, as admission.h has it.
struct Grant {
  double limit;  // of the concurrency limit
  double delay;  // of the target delay
  bool waits;
};
constexpr std::array<Grant, kCriticalities> kGrants = {{
    {.limit = 0.5, .delay = 0.25, .waits = false},
    {.limit = 0.75, .delay = 0.5, .waits = false},
    {.limit = 1, .delay = 1, .waits = true},
    {.limit = 1.1, .delay = 2, .waits = true},
}};

const Grant& GrantOf(Criticality criticality) { return kGrants[static_cast<size_t>(criticality)]; }

const char* Explanation(ShedReason reason) {
  switch (reason) {
    case ShedReason::kDelay:
      return "the call has waited too long for its turn";
    case ShedReason::kLimit:
      return "too many calls are in flight";
    case ShedReason::kDeadline:
      return "the call's deadline is too near to be met";
  }
  return "";
}

int64_t NowNanos() { return Runtime::Current()->clock().MonotonicNanos(); }

// On the owning thread: no locked instruction.
template <typename T>
void Add(std::atomic<T>& counter, T n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

Admission::ShardAdmission::ShardAdmission(const AdmissionOptions& options, uint64_t seed)
    : options_(options),
      limit_({.initial = static_cast<double>(options.initial_limit),
              .min = static_cast<double>(options.min_limit)}),
      delay_({.target_nanos = absl::ToInt64Nanoseconds(options.target_delay),
              .interval_nanos = absl::ToInt64Nanoseconds(options.interval)}),
      random_(static_cast<std::minstd_rand::result_type>(seed)) {
  PublishLimit();
}

absl::Status Admission::ShardAdmission::Intercept(CallContext& call, Next next) {
  Method& method = Find(call.method());
  if (method.exempt) return next();
  int64_t start_nanos = NowNanos();
  const int64_t delay_nanos = start_nanos - call.accepted_nanos();
  delay_.Started(delay_nanos, start_nanos);
  overloaded_.store(delay_.overloaded(), std::memory_order_relaxed);
  if (delay_.overloaded()) [[unlikely]] {
    if (WaitedTooLong(method, delay_nanos)) return Shed(method, call, ShedReason::kDelay);
    if (TooLate(method, call)) return Shed(method, call, ShedReason::kDeadline);
  }
  if (!method.limited) return next();
  if (!HasPlace(method)) [[unlikely]] {
    if (absl::Status s = TakePlace(method, call); !s.ok()) return s;
    start_nanos = NowNanos();
  } else {
    Add(in_flight_, 1);
  }
  absl::Status status = next();
  // Failures may be fast for want of doing anything; not those of a deadline.
  if (status.ok() || status.code() == absl::StatusCode::kDeadlineExceeded) {
    limit_.Ended(method.latency, start_nanos, NowNanos(), in_flight_.load());
    PublishLimit();
  }
  LeavePlace();
  return status;
}

Admission::ShardAdmission::Method& Admission::ShardAdmission::Find(
    const MethodDescriptor& descriptor) {
  std::unique_ptr<Method>& method = methods_[&descriptor];
  if (method == nullptr) [[unlikely]] {
    method = std::make_unique<Method>();
    method->criticality = descriptor.options.criticality;
    method->exempt = descriptor.of_grpc();
    method->limited = options_.limit_concurrency && descriptor.kind == MethodKind::kUnary;
    limit_.Register(&method->latency);
  }
  return *method;
}

bool Admission::ShardAdmission::WaitedTooLong(const Method& method, int64_t delay_nanos) const {
  return static_cast<double>(delay_nanos) >
         GrantOf(method.criticality).delay * absl::ToDoubleNanoseconds(options_.target_delay);
}

bool Admission::ShardAdmission::TooLate(const Method& method, const CallContext& call) const {
  const absl::Duration left = call.deadline() - Runtime::Current()->clock().Now();
  return left < absl::Nanoseconds(method.latency.baseline_nanos());
}

bool Admission::ShardAdmission::HasPlace(const Method& method) const {
  // Those who wait go first.
  if (!queue_.empty() && method.criticality != Criticality::kCriticalPlus) return false;
  return in_flight_.load(std::memory_order_relaxed) <
         GrantOf(method.criticality).limit * limit_.limit();
}

absl::Status Admission::ShardAdmission::TakePlace(const Method& method, CallContext& call) {
  if (!GrantOf(method.criticality).waits || queue_.size() >= static_cast<size_t>(limit_.limit())) {
    return Shed(method, call, ShedReason::kLimit);
  }
  if (TooLate(method, call)) return Shed(method, call, ShedReason::kDeadline);
  return WaitForPlace(method, call);
}

absl::Status Admission::ShardAdmission::WaitForPlace(const Method& method, CallContext& call) {
  const int64_t now_nanos = NowNanos();
  if (queue_.empty()) queue_since_nanos_ = now_nanos;
  const bool standing =
      now_nanos - queue_since_nanos_ > absl::ToInt64Nanoseconds(options_.interval);
  Waiter waiter;
  const auto place = queue_.insert(
      method.criticality == Criticality::kCriticalPlus ? queue_.begin() : queue_.end(), &waiter);
  queued_.store(static_cast<int>(queue_.size()), std::memory_order_relaxed);
  const absl::Duration patience = standing ? options_.target_delay : options_.interval;
  const absl::Status status = waiter.called.Wait(Runtime::Current()->clock().Now() + patience);
  if (waiter.admitted) {
    if (!call.scope().cancelled()) return absl::OkStatus();
    LeavePlace();
    return call.scope().status();
  }
  queue_.erase(place);
  queued_.store(static_cast<int>(queue_.size()), std::memory_order_relaxed);
  if (call.scope().cancelled()) return status;
  return Shed(method, call, ShedReason::kLimit);
}

void Admission::ShardAdmission::LeavePlace() {
  Add(in_flight_, -1);
  while (!queue_.empty() && in_flight_.load(std::memory_order_relaxed) < limit_.limit()) {
    Waiter* const waiter = queue_.front();
    queue_.pop_front();
    Add(in_flight_, 1);
    waiter->admitted = true;
    waiter->called.Set();
  }
  queued_.store(static_cast<int>(queue_.size()), std::memory_order_relaxed);
}

absl::Status Admission::ShardAdmission::Shed(const Method& method, CallContext& call,
                                             ShedReason reason) {
  Add(shed_[static_cast<size_t>(method.criticality)][static_cast<size_t>(reason)], uint64_t{1});
  const int64_t interval_ms = std::max<int64_t>(absl::ToInt64Milliseconds(options_.interval), 1);
  std::uniform_int_distribution<int64_t> pushback(interval_ms, 2 * interval_ms);
  call.AddTrailingMetadata(kRetryPushbackKey, absl::StrCat(pushback(random_)));
  return absl::ResourceExhaustedError(
      absl::StrCat("the server is overloaded: ", Explanation(reason)));
}

void Admission::ShardAdmission::PublishLimit() {
  published_limit_.store(limit_.limit(), std::memory_order_relaxed);
}

AdmissionStats Admission::ShardAdmission::Stats() const {
  AdmissionStats stats = {.limit = published_limit_.load(std::memory_order_relaxed),
                          .in_flight = in_flight_.load(std::memory_order_relaxed),
                          .queued = queued_.load(std::memory_order_relaxed),
                          .overloaded = overloaded_.load(std::memory_order_relaxed)};
  for (size_t i = 0; i < kCriticalities; ++i) {
    for (size_t j = 0; j < kShedReasons; ++j) {
      stats.shed_total[i][j] = shed_[i][j].load(std::memory_order_relaxed);
    }
  }
  return stats;
}

}  // namespace weft::rpc
