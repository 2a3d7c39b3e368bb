// As channel_model.h, for broadcast and watch channels: whether a plain list that all can read, and
// a plain variable, could have answered the same.
#ifndef WEFT_PLATFORM_FIBER_BROADCAST_MODEL_H_
#define WEFT_PLATFORM_FIBER_BROADCAST_MODEL_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/fiber/broadcast_channel.h"
#include "platform/fiber/channel_model.h"
#include "platform/fiber/watch_channel.h"

namespace weft {

// A BroadcastChannel and the log of its sends.
class ModelledBroadcast {
 public:
  ModelledBroadcast(size_t capacity, SlowReceiver slow, StepCounter& counter)
      : channel(capacity, slow), steps(counter), capacity_(capacity), slow_(slow) {}

  Step BeginSend() {
    std::lock_guard<std::mutex> hold(mutex_);
    ++sending_;
    return steps.Next();
  }
  void EndSend(Step called, int id, bool sent) {
    std::lock_guard<std::mutex> hold(mutex_);
    --sending_;
    if (sent) sends_.push_back({id, called, steps.Next()});
    EXPECT_LE(channel.size(), capacity_);
  }

  void VerifyAllWait() {
    if (sending_ == 0) return;
    EXPECT_FALSE(loses() || channel.closed());
    EXPECT_EQ(channel.size(), capacity_);
  }

  // The sends in the order they took effect, if nothing overlapped but what one shard's queue of
  // senders put in order.
  const std::vector<Call>& sends() {
    SortByCall(sends_);
    return sends_;
  }
  bool loses() const { return slow_ == SlowReceiver::kLags; }

  BroadcastChannel<int> channel;
  StepCounter& steps;

 private:
  const size_t capacity_;
  const SlowReceiver slow_;
  std::mutex mutex_;
  std::vector<Call> sends_;
  size_t sending_ = 0;
};

// A subscription and what it has seen, in order.
class Subscriber {
 public:
  explicit Subscriber(ModelledBroadcast& broadcast)
      : broadcast_(broadcast),
        called_(broadcast.steps.Next()),
        receiver_(broadcast.channel.Subscribe()),
        returned_(broadcast.steps.Next()) {}

  // Requires: not unsubscribed.
  BroadcastReceiver<int>& receiver() { return *receiver_; }
  void Unsubscribe() { receiver_.reset(); }

  // Around every attempt to receive; `result` is what ReceiveOr() or a Select came back with.
  void Begin() { receiving_ = true; }
  void EndWithout() { receiving_ = false; }
  void End(const absl::StatusOr<int>& result) {
    receiving_ = false;
    const uint64_t missed = receiver_->missed() - std::exchange(missed_, receiver_->missed());
    EXPECT_EQ(absl::IsDataLoss(result.status()), missed > 0);
    skipped_ += missed;
    if (result.ok() || absl::IsOutOfRange(result.status())) {
      seen_.push_back({std::exchange(skipped_, 0), result.ok() ? *result : kEnd});
    }
  }

  void VerifyAllWait() {
    if (!receiving_) return;
    EXPECT_FALSE(broadcast_.channel.closed());
    const std::vector<Call>& sends = broadcast_.sends();
    if (sends.empty() || sends.back().called < called_) return;
    ASSERT_FALSE(seen_.empty()) << "it waits, though a value was sent";
    EXPECT_EQ(seen_.back().value, sends.back().value);
  }

  // It has seen every value from its subscription on, in order, but those that it was told of.
  void Verify() {
    const std::vector<Call>& sends = broadcast_.sends();
    std::optional<uint64_t> next;
    for (const Seen& seen : seen_) {
      const uint64_t index = IndexOf(seen.value, sends);
      ASSERT_GE(index, seen.skipped);
      if (next.has_value()) {
        ASSERT_EQ(index, *next + seen.skipped);
      } else {
        VerifyStart(index - seen.skipped, sends);
      }
      next = index + (seen.value == kEnd ? 0 : 1);
    }
    if (!broadcast_.loses()) {
      EXPECT_EQ(missed_, 0u);
    }
  }

 private:
  static constexpr int kEnd = -1;
  struct Seen {
    uint64_t skipped;  // before this
    int value;
  };

  static uint64_t IndexOf(int value, const std::vector<Call>& sends) {
    const auto found = std::find_if(sends.begin(), sends.end(),
                                    [value](const Call& send) { return send.value == value; });
    EXPECT_TRUE(value == kEnd || found != sends.end()) << value << " was never sent";
    return static_cast<uint64_t>(found - sends.begin());
  }

  // What was sent before the subscription is no concern of its; all that was sent after it is.
  void VerifyStart(uint64_t start, const std::vector<Call>& sends) const {
    uint64_t before = 0;
    uint64_t not_after = 0;
    for (const Call& send : sends) {
      before += send.returned < called_;
      not_after += send.called < returned_;
    }
    EXPECT_GE(start, before);
    EXPECT_LE(start, not_after);
  }

  ModelledBroadcast& broadcast_;
  const Step called_;
  std::optional<BroadcastReceiver<int>> receiver_;
  const Step returned_;
  bool receiving_ = false;
  uint64_t missed_ = 0;
  uint64_t skipped_ = 0;
  std::vector<Seen> seen_;
};

// A receiver of a WatchChannel<int> whose value only grows.
class Watcher {
 public:
  explicit Watcher(WatchChannel<int>& channel)
      : receiver(channel.Subscribe()), last_(*receiver.Get()) {}

  // Around every attempt to see a change.
  void Begin() { waiting_ = true; }
  void EndWithout() { waiting_ = false; }
  void End(const absl::StatusOr<std::shared_ptr<const int>>& now) {
    waiting_ = false;
    if (now.ok()) {
      EXPECT_GT(**now, std::exchange(last_, **now));
    }
    ended_ = ended_ || absl::IsOutOfRange(now.status());
  }
  void NoteGet(int now) { EXPECT_GE(now, std::exchange(last_, now)); }
  void VerifyAllWait(const WatchChannel<int>& channel) const {
    if (!waiting_) return;
    EXPECT_FALSE(channel.closed());
    EXPECT_EQ(*channel.Get(), last_);
  }
  // Who has heard of the end has seen the last value.
  void Verify(int last) const {
    if (ended_) {
      EXPECT_EQ(last_, last);
    }
  }

  WatchReceiver<int> receiver;

 private:
  int last_;
  bool waiting_ = false;
  bool ended_ = false;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BROADCAST_MODEL_H_
