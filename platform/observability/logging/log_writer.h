// LogWriter: the queue of log lines and the thread that writes them, on spdlog. Used by log.cc.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_WRITER_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}  // namespace details
}  // namespace spdlog

namespace weft::observability::internal {

// Thread-safe. Never destroyed: a thread may log while the process ends.
class LogWriter {
 public:
  using Write = absl::AnyInvocable<void(absl::string_view line)>;

  LogWriter(size_t queue_lines, Write write);

  // Never waits for the output. A line that finds the queue full replaces the oldest; after Stop
  // lines are counted as dropped.
  void Add(absl::string_view line);
  // Blocks the thread until what was added before is written; false after `timeout`.
  bool Flush(absl::Duration timeout);
  // Flushes, then ends the thread. When the flush times out the thread is left to the end of the
  // process instead: it is stuck in its output.
  void Stop(absl::Duration timeout);

  uint64_t dropped() const;

 private:
  class Sink;

  std::shared_ptr<spdlog::async_logger> logger_;
  std::atomic<uint64_t> lost_{0};

  mutable absl::Mutex mutex_;
  std::shared_ptr<spdlog::details::thread_pool> threads_ ABSL_GUARDED_BY(mutex_);
  uint64_t overruns_ ABSL_GUARDED_BY(mutex_) = 0;  // of threads_ that are gone
  uint64_t flushes_asked_ ABSL_GUARDED_BY(mutex_) = 0;

  absl::Mutex flush_mutex_;
  uint64_t flushes_done_ ABSL_GUARDED_BY(flush_mutex_) = 0;
};

}  // namespace weft::observability::internal

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_WRITER_H_
