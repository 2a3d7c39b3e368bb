// RepeatLimit: how many lines one statement of the code may write, so that a storm of the same line
// costs no more than some lines a second, and pushes no other line out of the log's queue.
//
// Each statement (file and line) has a bucket of tokens of its own. The lines that find it empty
// are counted and left out; the statement's next line tells how many they were.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_REPEAT_LIMIT_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_REPEAT_LIMIT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "platform/observability/logging/log.h"

namespace weft::observability::internal {

// Above what a statement writes that tells something new each time: a dump of fibers has up to a
// hundred lines at once.
inline constexpr int64_t kLinesOfOneStatementAtOnce = 200;
// Statements that are watched; lines of those beyond are all written.
inline constexpr size_t kMaxLogStatements = 1024;

// Thread-safe, without locks. Never destroyed.
class RepeatLimit {
 public:
  // 0: no limit. Any time.
  void SetLinesPerSecond(int64_t lines);

  // Whether a line of that statement may be written now, and then how many were left out before it.
  std::optional<uint64_t> Admit(const LogStatement& statement, int64_t now_nanos);

  // Since the start of the process.
  uint64_t left_out_total() const { return left_out_total_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::atomic<uint64_t> statement{0};  // 0: free
    std::atomic<int64_t> full_at_nanos{INT64_MIN};
    std::atomic<uint64_t> left_out{0};
  };

  Slot* Find(const LogStatement& statement);

  std::array<Slot, kMaxLogStatements> slots_;
  std::atomic<int64_t> token_nanos_{0};
  std::atomic<uint64_t> left_out_total_{0};
};

}  // namespace weft::observability::internal

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_REPEAT_LIMIT_H_
