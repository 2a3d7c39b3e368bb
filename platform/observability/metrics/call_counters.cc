#include "platform/observability/metrics/call_counters.h"

namespace weft::observability {
namespace {

constexpr rpc::MethodDescriptor kOther = {"/other", rpc::MethodKind::kUnary};

}  // namespace

CallTable::CallTable() : other_(&kOther, "other") {}

CallTable::~CallTable() {
  for (std::atomic<CallCounters*>& slot : slots_) delete slot.load(std::memory_order_relaxed);
}

CallCounters& CallTable::Insert(size_t slot, const rpc::MethodDescriptor& method,
                                absl::string_view target) {
  if (entries_ == kMaxEntries) return other_;
  ++entries_;
  auto* entry = new CallCounters(&method, target);
  slots_[slot].store(entry, std::memory_order_release);
  return *entry;
}

void AddTotals(const CallTable& table, CallTotalsMap& totals) {
  table.ForEach([&](const CallCounters& counters) {
    if (!counters.used()) return;
    CallTotals& sum = totals[{counters.method()->name(), counters.target()}];
    sum.started += counters.started();
    for (size_t cause = 0; cause < kCancelCauses; ++cause) {
      const uint64_t cancelled = counters.cancelled(cause);
      if (cancelled == 0) continue;
      sum.cancelled[cause].calls += cancelled;
      sum.cancelled[cause].wasted_nanos += counters.wasted_nanos(cause);
    }
    for (size_t code = 0; code < CallCounters::kStatuses; ++code) {
      const EndedCounters* ended = counters.ended(code);
      if (ended == nullptr) continue;
      EndedTotals& total = sum.ended[code];
      ended->duration.AddTo(total.duration, total.duration_nanos);
      ended->sent.AddTo(total.sent, total.sent_bytes);
      ended->received.AddTo(total.received, total.received_bytes);
    }
  });
}

std::string StatusLabel(size_t code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace weft::observability
