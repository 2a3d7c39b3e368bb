// A model of what channels promise, for tests: logs what fibers do with them, on one shard or many,
// and says afterwards whether a plain queue could have answered the same.
#ifndef WEFT_PLATFORM_FIBER_CHANNEL_MODEL_H_
#define WEFT_PLATFORM_FIBER_CHANNEL_MODEL_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "platform/fiber/channel.h"

namespace weft {

// A point in the order of all calls and returns.
using Step = uint64_t;

class StepCounter {
 public:
  Step Next() { return ++steps_; }

 private:
  std::atomic<Step> steps_{0};
};

struct Call {
  int value;
  Step called;
  Step returned;
};

inline void SortByCall(std::vector<Call>& calls) {
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.called < b.called; });
}

inline std::vector<int> ValuesOf(const std::vector<Call>& calls) {
  std::vector<int> values;
  for (const Call& call : calls) values.push_back(call.value);
  return values;
}

// A Channel and its log. Its values are pointers, so that a test sees who has moved one.
class ModelledChannel {
 public:
  using Value = std::unique_ptr<int>;

  ModelledChannel(size_t capacity, StepCounter& steps)
      : channel(capacity), capacity_(capacity), steps_(steps) {}

  // Around every attempt to send.
  Step BeginSend() {
    std::lock_guard<std::mutex> hold(mutex_);
    ++sending_;
    return steps_.Next();
  }
  void EndSend(Step called, int id, bool sent) {
    std::lock_guard<std::mutex> hold(mutex_);
    --sending_;
    if (!sent) return;
    sends_.push_back({id, called, steps_.Next()});
    EXPECT_LE(sends_.size(), receives_.size() + receiving_ + capacity_);
    EXPECT_LE(channel.size(), capacity_);
  }

  // Around every attempt to receive.
  Step BeginReceive() {
    std::lock_guard<std::mutex> hold(mutex_);
    ++receiving_;
    return steps_.Next();
  }
  void EndReceive(Step called, std::optional<int> id) {
    std::lock_guard<std::mutex> hold(mutex_);
    --receiving_;
    if (id.has_value()) receives_.push_back({*id, called, steps_.Next()});
  }

  // While all fibers wait: none of them waits for what it could have.
  void VerifyAllWait() {
    if (receiving_ > 0) {
      EXPECT_EQ(channel.size(), 0u);
      EXPECT_EQ(sending_, 0u);
    }
    if (sending_ > 0) {
      EXPECT_EQ(channel.size(), capacity_);
    }
    if (channel.closed()) {
      EXPECT_EQ(sending_ + receiving_, 0u);
    }
  }

  // With one shard, calls take effect in the order they are made, since nobody runs in between:
  // the n-th send that succeeded has met the n-th receive that did.
  void VerifyOneShard() {
    SortByCall(sends_);
    SortByCall(receives_);
    EXPECT_EQ(ValuesOf(receives_), ValuesOf(sends_));
  }

  // With many, calls that overlap may take effect in either order: what was sent wholly before
  // another value must not be received wholly after it.
  void VerifyManyShards() {
    std::map<int, Call> received;
    for (const Call& call : receives_) {
      EXPECT_TRUE(received.emplace(call.value, call).second) << call.value << " came twice";
    }
    ASSERT_EQ(received.size(), sends_.size());
    SortByCall(sends_);
    for (const Call& send : sends_) {
      ASSERT_EQ(received.count(send.value), 1u) << send.value << " was lost";
    }
    for (size_t a = 0; a < sends_.size(); ++a) {
      for (size_t b = a + 1; b < sends_.size(); ++b) {
        if (sends_[a].returned >= sends_[b].called) continue;
        ASSERT_GE(received.at(sends_[b].value).returned, received.at(sends_[a].value).called)
            << sends_[b].value << " overtook " << sends_[a].value;
      }
    }
  }

  size_t passed() const { return receives_.size(); }

  Channel<Value> channel;

 private:
  const size_t capacity_;
  StepCounter& steps_;
  std::mutex mutex_;  // of all below
  std::vector<Call> sends_;
  std::vector<Call> receives_;
  size_t sending_ = 0;  // attempts under way
  size_t receiving_ = 0;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CHANNEL_MODEL_H_
