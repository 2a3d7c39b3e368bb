#include "platform/observability/calls/shard_calls.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "platform/base/cut_text.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

std::string Shortened(absl::string_view text) { return ShortenedText(text, kMaxCallTextBytes); }

}  // namespace

LiveCall& ShardCalls::Begin(rpc::CallContext& call) {
  if (free_ == nullptr) {
    free_ = &places_.emplace_back();
    free_->shard = this;
  }
  LiveCall& live = *free_;
  free_ = live.newer;
  live.number = ++calls_;
  live.call = &call;
  live.fiber_id = CurrentFiberId();
  live.trace = CurrentTraceIds();
  live.newer = nullptr;
  live.older = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &live;
  newest_ = &live;
  ++in_flight_;
  return live;
}

CallRecordPtr ShardCalls::End(LiveCall& live, const absl::Status& status) {
  CallRecordPtr kept = KeepIfWorthIt(live, status);
  (live.newer == nullptr ? newest_ : live.newer->older) = live.older;
  (live.older == nullptr ? oldest_ : live.older->newer) = live.newer;
  --in_flight_;
  live.number = 0;
  live.call = nullptr;
  if (live.children_noted != 0) {
    live.children.clear();
    live.children_noted = 0;
  }
  live.newer = std::exchange(free_, &live);
  return kept;
}

CallRecordPtr ShardCalls::KeepIfWorthIt(const LiveCall& live, const absl::Status& status) {
  const int64_t now_nanos = clock_.MonotonicNanos();
  Kept& kept = kept_[&live.call->method()];
  const bool wanted = status.ok()
                          ? kept.slow.Wants(now_nanos - live.call->accepted_nanos(), now_nanos)
                          : kept.failed.Wants(now_nanos);
  if (!wanted) [[likely]]
    return nullptr;
  auto record = std::make_shared<CallRecord>(Describe(live, now_nanos));
  record->in_flight = false;
  record->code = status.code();
  record->message = Shortened(status.message());
  if (status.ok()) {
    kept.slow.Keep(record);
  } else {
    kept.failed.Keep(record);
  }
  return record;
}

const std::string* ShardCalls::Target(const std::string& target) {
  static const std::string kOther = "other";
  if (const auto found = targets_.find(target); found != targets_.end()) return &*found;
  if (targets_.size() >= kMaxChildTargets) return &kOther;
  return &*targets_.insert(target).first;
}

NotedChild& ShardCalls::AddChild(LiveCall& live, const std::string& target) {
  if (live.children.size() == kMaxChildCalls) live.children.erase(live.children.begin());
  NotedChild& child = live.children.emplace_back();
  child.number = ++live.children_noted;
  child.target = Target(target);
  child.start_nanos = clock_.MonotonicNanos();
  return child;
}

uint64_t ShardCalls::BeginChild(LiveCall& live, const rpc::OutgoingCall& call) {
  NotedChild& child = AddChild(live, call.target);
  child.method = call.method.name();
  child.attempt = call.attempt;
  child.hedge = call.hedge;
  return child.number;
}

uint64_t ShardCalls::BeginChild(LiveCall& live, const char* system, const char* method,
                                const std::string& target) {
  NotedChild& child = AddChild(live, target);
  child.system = system;
  child.method = method;
  return child.number;
}

void ShardCalls::EndChild(LiveCall& live, uint64_t number, int64_t now_nanos,
                          const rpc::EndedCall& ended, int64_t waited_nanos) {
  // One of the last, mostly; gone, where more than are kept came after it.
  for (auto child = live.children.rbegin(); child != live.children.rend(); ++child) {
    if (child->number != number) continue;
    child->end_nanos = now_nanos;
    child->waited_nanos = waited_nanos;
    child->code = ended.status.code();
    child->will_retry = ended.will_retry;
    return;
  }
}

void ShardCalls::DescribeChildren(const LiveCall& live, CallRecord* record) const {
  const int64_t accepted_nanos = live.call->accepted_nanos();
  record->children.reserve(live.children.size());
  for (const NotedChild& child : live.children) {
    record->children.push_back(
        {.system = child.system,
         .method = child.method,
         .target = *child.target,
         .attempt = child.attempt,
         .hedge = child.hedge,
         .start_nanos = child.start_nanos - accepted_nanos,
         .duration_nanos = child.end_nanos < 0 ? -1 : child.end_nanos - child.start_nanos,
         .waited_nanos = child.waited_nanos,
         .code = child.code,
         .will_retry = child.will_retry});
  }
  record->children_left_out = live.children_noted - live.children.size();
}

CallRecord ShardCalls::Describe(const LiveCall& live, int64_t now_nanos) const {
  rpc::CallContext& call = *live.call;
  const int64_t accepted_nanos = call.accepted_nanos();
  const int64_t handler_nanos = call.handler_started_nanos();
  const int64_t deadline_nanos = clock_.ToMonotonicNanos(call.deadline());
  const CancelCause cause = call.scope().CauseAt(now_nanos);
  CallRecord record;
  record.method = Shortened(call.requested_method());
  record.peer = call.peer();
  if (live.trace.valid()) {
    const std::array<char, 32> digits = ToHex(live.trace.trace_id);
    record.trace_id.assign(digits.data(), digits.size());
  }
  record.shard = shard_;
  record.fiber_id = live.fiber_id;
  record.accepted = clock_.ToTime(accepted_nanos);
  if (handler_nanos != 0) record.handler_nanos = handler_nanos - accepted_nanos;
  record.duration_nanos = std::max<int64_t>(now_nanos - accepted_nanos, 0);
  if (deadline_nanos != kNeverNanos) record.deadline_nanos = deadline_nanos - accepted_nanos;
  record.in_flight = true;
  if (cause != CancelCause::kNone) record.cancelled = std::string(CancelCauseName(cause));
  record.received_bytes = call.received_bytes();
  record.sent_bytes = call.sent_bytes();
  DescribeChildren(live, &record);
  return record;
}

ShardCallsView ShardCalls::Look() {
  const int64_t now_nanos = clock_.MonotonicNanos();
  ShardCallsView view;
  view.in_flight_total = in_flight_;
  for (const LiveCall* live = oldest_; live != nullptr; live = live->newer) {
    if (view.in_flight.size() == kMaxCallsListed) break;
    view.in_flight.push_back(Describe(*live, now_nanos));
  }
  for (auto& [method, kept] : kept_) {
    view.methods.push_back({.name = method->name(),
                            .slow = kept.slow.All(now_nanos),
                            .failed = kept.failed.all(),
                            .failed_total = kept.failed.total()});
  }
  return view;
}

}  // namespace weft::observability
