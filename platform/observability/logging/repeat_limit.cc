#include "platform/observability/logging/repeat_limit.h"

#include <algorithm>

#include "platform/base/cell_rate.h"
#include "platform/base/split_mix.h"

namespace weft::observability::internal {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
// Slots that are looked at for one statement: with half of them taken, one in 65,000 finds none.
constexpr size_t kProbes = 16;

// By the name's address: a statement of a header has one in each source, and so a limit in each.
uint64_t Identity(const LogStatement& statement) {
  const uint64_t place = reinterpret_cast<uintptr_t>(statement.file) * 31 + statement.line;
  return std::max<uint64_t>(SplitMix(place), 1);
}

}  // namespace

void RepeatLimit::SetLinesPerSecond(int64_t lines) {
  token_nanos_.store(lines == 0 ? 0 : kNanosPerSecond / lines, std::memory_order_relaxed);
}

RepeatLimit::Slot* RepeatLimit::Find(const LogStatement& statement) {
  const uint64_t identity = Identity(statement);
  for (size_t i = 0; i < kProbes; ++i) {
    Slot& slot = slots_[(identity + i) % slots_.size()];
    uint64_t found = slot.statement.load(std::memory_order_relaxed);
    if (found == 0 &&
        slot.statement.compare_exchange_strong(found, identity, std::memory_order_relaxed)) {
      return &slot;
    }
    if (found == identity) return &slot;
  }
  return nullptr;
}

std::optional<uint64_t> RepeatLimit::Admit(const LogStatement& statement, int64_t now_nanos) {
  const int64_t token_nanos = token_nanos_.load(std::memory_order_relaxed);
  if (token_nanos == 0 || statement.file == nullptr) return 0;
  Slot* const slot = Find(statement);
  if (slot == nullptr) return 0;
  const CellRate rate = {token_nanos, kLinesOfOneStatementAtOnce * token_nanos};
  if (!rate.TryTake(slot->full_at_nanos, now_nanos)) {
    slot->left_out.fetch_add(1, std::memory_order_relaxed);
    left_out_total_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  if (slot->left_out.load(std::memory_order_relaxed) == 0) return 0;
  return slot->left_out.exchange(0, std::memory_order_relaxed);
}

}  // namespace weft::observability::internal
