// For tests of what finds blocking calls: runs functions on a fiber and keeps what is reported. A
// report comes before the thread sleeps, and lets it go on: no test waits.
#ifndef WEFT_PLATFORM_FIBER_BLOCKING_CALLS_SUITE_H_
#define WEFT_PLATFORM_FIBER_BLOCKING_CALLS_SUITE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {

class BlockingCallsTest : public testing::Test {
 protected:
  BlockingCallsTest() {
    running_ = this;
    before_ = SetBlockingCallHandler([](const BlockingCall& call) {
      running_->calls_.push_back(call);
      if (running_->unblock_) running_->unblock_();
    });
  }
  ~BlockingCallsTest() override { SetBlockingCallHandler(before_); }

  void SetUp() override {
    if (!BlockingCallsAreWatched()) GTEST_SKIP() << "in this build nothing is found";
  }

  // The names of what was reported while `function` ran on a fiber. Each report calls `unblock`.
  std::vector<std::string> Found(std::function<void()> function,
                                 std::function<void()> unblock = {}) {
    calls_.clear();
    unblock_ = std::move(unblock);
    runtime_.Run(std::move(function));
    std::vector<std::string> names;
    for (const BlockingCall& call : calls_) names.push_back(call.function);
    return names;
  }

  TestRuntime runtime_;
  std::vector<BlockingCall> calls_;

 private:
  static inline BlockingCallsTest* running_ = nullptr;
  std::function<void()> unblock_;
  BlockingCallHandler before_;
};

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(fds_), 0); }
  ~Pipe() {
    close(fds_[0]);
    close(fds_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }
  void Fill() const { EXPECT_EQ(write(fds_[1], "x", 1), 1); }
  void Drain() const {
    char c;
    EXPECT_EQ(read(fds_[0], &c, 1), 1);
  }

 private:
  int fds_[2];
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BLOCKING_CALLS_SUITE_H_
