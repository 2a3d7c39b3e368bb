#include "platform/observability/logging/log_writer.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace weft::observability::internal {

// Lines arrive finished, so spdlog's formatter is not used.
class LogWriter::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(LogWriter& writer, Write write) : writer_(writer), write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_(absl::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {
    absl::MutexLock lock(&writer_.flush_mutex_);
    ++writer_.flushes_done_;
  }

  LogWriter& writer_;
  Write write_;
};

LogWriter::LogWriter(size_t queue_lines, Write write) {
  auto threads = std::make_shared<spdlog::details::thread_pool>(queue_lines, 1);
  logger_ = std::make_shared<spdlog::async_logger>(
      "weft", std::make_shared<Sink>(*this, std::move(write)), threads,
      spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_level(spdlog::level::trace);  // log.cc has decided already
  logger_->set_error_handler([this](const std::string&) { lost_.fetch_add(1); });
  absl::MutexLock lock(&mutex_);
  threads_ = std::move(threads);
}

void LogWriter::Add(absl::string_view line) {
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool LogWriter::Flush(absl::Duration timeout) {
  uint64_t asked;
  {
    absl::MutexLock lock(&mutex_);  // flushes enter the queue in the order of their numbers
    if (threads_ == nullptr) return true;
    asked = ++flushes_asked_;
    logger_->flush();
  }
  absl::MutexLock lock(&flush_mutex_);
  const auto done = [this, asked]()
                        ABSL_SHARED_LOCKS_REQUIRED(flush_mutex_) { return flushes_done_ >= asked; };
  return flush_mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
}

void LogWriter::Stop(absl::Duration timeout) {
  const bool flushed = Flush(timeout);
  std::shared_ptr<spdlog::details::thread_pool> threads;
  {
    absl::MutexLock lock(&mutex_);
    // Destroying the pool would join a thread that is stuck.
    if (!flushed || threads_ == nullptr) return;
    overruns_ += threads_->overrun_counter();
    threads = std::move(threads_);
  }
}

uint64_t LogWriter::dropped() const {
  absl::MutexLock lock(&mutex_);
  const uint64_t overruns = threads_ == nullptr ? 0 : threads_->overrun_counter();
  return overruns_ + overruns + lost_.load();
}

}  // namespace weft::observability::internal
