#include "platform/fiber/blocking_calls.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/blocking_monitor.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/observer.h"

namespace weft {
namespace {

int16_t* AllowedOfThisFiber() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  return fiber == nullptr ? nullptr : &fiber->blocking_calls_allowed;
}

}  // namespace

AllowBlockingCalls::AllowBlockingCalls() : allowed_(AllowedOfThisFiber()) {
  if (allowed_ != nullptr) ++*allowed_;
}

AllowBlockingCalls::~AllowBlockingCalls() {
  if (allowed_ != nullptr) --*allowed_;
}

absl::string_view BlockingCallKindName(BlockingCallKind kind) {
  switch (kind) {
    case BlockingCallKind::kBlocks:
      return "blocks";
    case BlockingCallKind::kWaitsForLock:
      return "waits_for_lock";
    case BlockingCallKind::kParksWithLock:
      return "parks_with_lock";
  }
  return "";
}

std::string ToString(const BlockingCall& call) {
  std::string text = absl::StrCat("fiber ", call.fiber_id, " '", call.fiber_name, "'");
  if (!call.trace_id.empty()) absl::StrAppend(&text, " (trace ", call.trace_id, ")");
  absl::StrAppend(&text, " on shard ", call.shard);
  switch (call.kind) {
    case BlockingCallKind::kBlocks:
      absl::StrAppend(&text, " blocks its thread in ", call.function);
      break;
    case BlockingCallKind::kWaitsForLock:
      absl::StrAppend(&text, " waited ",
                      absl::FormatDuration(absl::Microseconds(call.nanos / 1000)), " in ",
                      call.function, " for a lock of threads");
      break;
    case BlockingCallKind::kParksWithLock:
      absl::StrAppend(&text, " parks, yields or ends while it holds ", call.locks,
                      call.locks == 1 ? " lock" : " locks", " of its thread");
      break;
  }
  absl::StrAppend(&text, ":");
  for (const std::string& name : call.stack) absl::StrAppend(&text, "\n    ", name);
  return text;
}

void RuntimeObserver::OnBlockingCall(const FiberLocals& /*locals*/,
                                     const BlockingCall& call) noexcept {
  if (call.repeated) return;
  std::fputs(absl::StrCat(ToString(call), "\n").c_str(), stderr);
}

BlockingCallHandler SetBlockingCallHandler(BlockingCallHandler handler) {
  return internal::BlockingMonitor::handler.exchange(handler);
}

bool BlockingCallsAreWatched() {
  return internal::BlockingMonitor::on_fiber_left.load() != nullptr;
}

namespace internal {

std::atomic<BlockingCallHandler> BlockingMonitor::handler{nullptr};
std::atomic<void (*)(FiberRecord&, bool)> BlockingMonitor::on_fiber_left{nullptr};

}  // namespace internal
}  // namespace weft
