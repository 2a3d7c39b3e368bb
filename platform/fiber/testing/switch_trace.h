// SwitchTrace: which fibers ran, in order. With one shard, a simulated clock and the same seed it
// is the same every time, and where it is not, something outside decided: a plain thread, a real
// clock, the address of an object, the hash of a pointer.
//
//   weft::SwitchTrace trace;
//   weft::TestRuntime runtime({.shuffle_seed = seed, .on_resume = trace.Recorder()});
//   runtime.Run(…);
//   EXPECT_EQ(trace.Switches(), …);
#ifndef WEFT_PLATFORM_FIBER_TESTING_SWITCH_TRACE_H_
#define WEFT_PLATFORM_FIBER_TESTING_SWITCH_TRACE_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace weft {

// Thread-safe; outlives the runtimes that record in it. Grows by an entry for each switch.
class SwitchTrace {
 public:
  // For RuntimeOptions::on_resume.
  std::function<void(uint64_t fiber, const char* name)> Recorder();

  // "name#id" of the fiber that each switch led to, oldest first. Ids count from 1 in a runtime of
  // one shard.
  std::vector<std::string> Switches() const;

 private:
  mutable std::mutex mutex_;  // of all below
  std::vector<std::string> switches_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_SWITCH_TRACE_H_
