#include "platform/rpc/internal/server_shard.h"

#include <utility>

#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/runtime.h"

namespace weft::rpc::internal {
namespace {

// Calls of methods that nobody registered only get an error: few slots will do.
constexpr int kUnregisteredSlots = 2;

int64_t IdleNanos(absl::Duration timeout) {
  return timeout == absl::InfiniteDuration() ? kNeverNanos : absl::ToInt64Nanoseconds(timeout);
}

// A second's worth at once, one at least.
CellRate RateOf(double per_second) {
  constexpr int64_t kBurstNanos = 1'000'000'000;
  if (per_second == 0) return {};
  const auto token_nanos = static_cast<int64_t>(1e9 / per_second);
  return {token_nanos, std::max(token_nanos, kBurstNanos)};
}

}  // namespace

ServerShard::ServerShard(const Environment& environment)
    : environment_(environment),
      stream_idle_nanos_(IdleNanos(environment.options.stream_idle_timeout)),
      stream_read_rate_(RateOf(environment.options.stream_requests_per_second)),
      connections_(environment.connections) {}

ServerShard::~ServerShard() {
  Check(active_ == nullptr && slots_armed_ == 0, "a server is destroyed before it has shut down");
}

void ServerShard::Start() {
  index_ = Runtime::CurrentShard();
  poller_ = CompletionQueuePoller::Current();
  Check(poller_ != nullptr, "a server's runtime polls its ShardQueues: set poller_factory");
  for (const RegisteredMethod& method : environment_.methods) {
    const int slots = method.handle == nullptr ? kUnregisteredSlots : options().accept_slots;
    for (int i = 0; i < slots; ++i) {
      slots_.push_back(std::make_unique<AcceptSlot>(*this, method));
      slots_.back()->Arm();
      ++slots_armed_;
    }
  }
}

ServerCallImpl& ServerShard::AddCall() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<ServerCallImpl>(*this));
    free_.push_back(all_.back().get());
  }
  ServerCallImpl& call = *free_.back();
  free_.pop_back();
  call.previous_active = nullptr;
  call.next_active = active_;
  if (active_ != nullptr) active_->previous_active = &call;
  active_ = &call;
  in_flight_.store(in_flight() + 1, std::memory_order_relaxed);
  return call;
}

void ServerShard::CallEnded(ServerCallImpl& call) {
  (call.previous_active == nullptr ? active_ : call.previous_active->next_active) =
      call.next_active;
  if (call.next_active != nullptr) call.next_active->previous_active = call.previous_active;
  in_flight_.store(in_flight() - 1, std::memory_order_relaxed);
  free_.push_back(&call);
  CheckIdle();
}

void ServerShard::SlotEnded() {
  --slots_armed_;
  CheckIdle();
}

void ServerShard::WhenIdle(absl::AnyInvocable<void()> idle) {
  idle_ = std::move(idle);
  CheckIdle();
}

void ServerShard::CheckIdle() {
  if (active_ == nullptr && slots_armed_ == 0 && idle_) std::exchange(idle_, nullptr)();
}

void ServerShard::TellOfDrain() {
  drain_event_.Set();
  for (ServerCallImpl* call = active_; call != nullptr; call = call->next_active) {
    call->TellOfDrain();
  }
}

void ServerShard::CancelCallsForDrain() {
  for (ServerCallImpl* call = active_; call != nullptr; call = call->next_active) {
    call->CancelForDrain();
  }
}

std::vector<std::string> ServerShard::RunningMethods() const {
  std::vector<std::string> methods;
  for (const ServerCallImpl* call = active_; call != nullptr; call = call->next_active) {
    if (call->handler_runs()) methods.emplace_back(call->method().name());
  }
  return methods;
}

}  // namespace weft::rpc::internal
