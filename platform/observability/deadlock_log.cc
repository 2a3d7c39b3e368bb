#include "platform/observability/deadlock_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/fiber/stack_trace.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("fiber");

// "17 > 28 > 17": each waits for a lock that the next one holds.
std::string RingText(const std::vector<FiberInfo>& ring) {
  std::string text;
  const size_t named = std::min(ring.size(), DeadlockLog::kMaxFibersLogged);
  for (size_t i = 0; i < named; ++i) absl::StrAppend(&text, ring[i].id, " > ");
  if (named < ring.size()) text += "… > ";
  return absl::StrCat(text, ring[0].id);
}

void LogRing(const std::vector<FiberInfo>& ring, uint64_t suppressed, Symbolizer& symbolizer) {
  const std::string text = RingText(ring);
  kLog.Error("fibers wait for locks in a ring, and none can go on", {{"shard", ring[0].shard},
                                                                     {"fibers", ring.size()},
                                                                     {"ring", text},
                                                                     {"suppressed", suppressed}});
  const size_t logged = std::min(ring.size(), DeadlockLog::kMaxFibersLogged);
  for (size_t i = 0; i < logged; ++i) {
    const FiberInfo& fiber = ring[i];
    kLog.Error("a fiber of a deadlock",
               {{"shard", fiber.shard},
                {"trace_id", fiber.trace_id},
                {"call", fiber.name},
                {"fiber", fiber.id},
                {"waits_for", fiber.waits_for},
                {"held_by", fiber.owner_id},
                {"seconds", 1e-9 * static_cast<double>(fiber.age_nanos)},
                {"ring", text},
                {"stack", absl::StrJoin(symbolizer.FiberStack(fiber.stack), "\n")}});
  }
}

}  // namespace

DeadlockLog::~DeadlockLog() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void DeadlockLog::Add(const std::vector<FiberInfo>& ring) {
  if (ring.empty()) return;
  absl::MutexLock lock(&mutex_);
  if (waiting_.size() == kMaxWaitingRings) {
    ++suppressed_;
    return;
  }
  waiting_.push_back(ring);
  if (!thread_.joinable()) thread_ = std::thread([this] { ThreadMain(); });
}

void DeadlockLog::ThreadMain() {
  Symbolizer symbolizer;
  while (true) {
    std::vector<FiberInfo> ring;
    uint64_t suppressed = 0;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &DeadlockLog::HasWork));
      if (waiting_.empty()) return;
      ring = std::move(waiting_.front());
      waiting_.pop_front();
      suppressed = std::exchange(suppressed_, 0);
    }
    LogRing(ring, suppressed, symbolizer);
  }
}

}  // namespace weft::observability
