// StartDelay: whether a shard has more work than it can do, seen by how long calls wait until their
// fiber first runs.
//
// The run queue of a shard is the queue of its calls. A burst, or a thread that was preempted,
// makes it long for a moment; only a queue that stays long is overload. That is CoDel's distinction
// (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012), with the two times that
// Facebook uses for requests ("Fail at Scale", ACM Queue 2015): a delay above `target` (5 ms) in
// every stretch of an `interval` (there 100 ms) begins an overload, an interval without one ends
// it. Meanwhile what has waited longer than the target is not worth serving: its client would get a
// late answer, and those behind it too.
//
// The first call of a batch of events waits for none, so stretches are judged by their longest
// wait.
//
// No clock, no thread, no fiber: for one shard, told the time by its caller.
#ifndef WEFT_PLATFORM_RPC_ADMISSION_START_DELAY_H_
#define WEFT_PLATFORM_RPC_ADMISSION_START_DELAY_H_

#include <cstdint>

namespace weft::rpc {

class StartDelay {
 public:
  struct Options {
    int64_t target_nanos = 5'000'000;
    int64_t interval_nanos = 100'000'000;
    // Calls in an interval below which there is no overload: something else keeps the shard.
    int min_calls = 20;
  };

  explicit StartDelay(const Options& options) : options_(options) {}

  // A call starts at `now_nanos` that had waited for `delay_nanos`.
  void Started(int64_t delay_nanos, int64_t now_nanos);

  bool overloaded() const { return overloaded_; }

 private:
  void CloseStretch();

  static constexpr int kStretches = 10;  // in an interval

  const Options options_;
  bool overloaded_ = false;
  int64_t stretch_ = 0;      // its number, counted from the clock's zero
  bool above_ = false;       // in this stretch
  int64_t first_above_ = 0;  // stretch since which all were above; 0: none
  int64_t last_above_ = 0;
  int calls_above_ = 0;  // since first_above_, all calls
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_START_DELAY_H_
