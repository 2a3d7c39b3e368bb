#include "platform/fiber/testing/test_runtime.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <string>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

std::string TraceOf(uint64_t seed) {
  std::string trace;
  TestRuntime runtime({.shuffle_seed = seed});
  runtime.Run([&] {
    TaskGroup group;
    for (char name = 'a'; name <= 'f'; ++name) {
      group.Spawn([&trace, name] {
        for (int i = 0; i < 4; ++i) {
          trace.push_back(name);
          if (i % 2 == 0) {
            Yield();
          } else {
            EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(name - 'a')).ok());
          }
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  return trace;
}

TEST(TestRuntime, WithoutASeedReadyFibersRunFirstInFirstOut) {
  std::string trace;
  TestRuntime runtime;
  runtime.Run([&] {
    TaskGroup group;
    for (char name = 'a'; name <= 'c'; ++name) {
      group.Spawn([&trace, name] {
        for (int i = 0; i < 3; ++i) {
          trace.push_back(name);
          Yield();
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(trace, "abcabcabc");
}

TEST(TestRuntime, SameSeedGivesTheSameTrace) {
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(TraceOf(seed), TraceOf(seed)) << seed;
}

TEST(TestRuntime, OtherSeedsGiveOtherTraces) {
  int same = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) same += TraceOf(seed) == TraceOf(seed + 1);
  EXPECT_LT(same, 3);
}

TEST(TestRuntime, WaitUntilOthersBlockLetsThemGoAsFarAsTheyCan) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime runtime({.shuffle_seed = seed});
    runtime.Run([&] {
      Channel<int> channel(3);
      TaskGroup group;
      group.Spawn([&] {
        for (int i = 0; i < 5; ++i) EXPECT_TRUE(channel.Send(i).ok());
      });
      WaitUntilOthersBlock();
      EXPECT_EQ(channel.size(), 3u);
      for (int i = 0; i < 5; ++i) EXPECT_EQ(channel.Receive(), i);
      EXPECT_TRUE(group.Wait().ok());
    });
  });
}

class ParkedBody final : public internal::FiberBody {
 public:
  explicit ParkedBody(Channel<int>* channel) : channel_(channel) {}
  void Run() override { (void)channel_->Receive(); }
  void Finished() override {}

 private:
  Channel<int>* const channel_;
};

TEST(TestRuntime, AFiberThatIsLeftFailsTheTestAndIsNamed) {
  EXPECT_NONFATAL_FAILURE(
      {
        static Channel<int> never(1);
        static ParkedBody body(&never);
        static Runtime* left = nullptr;
        {
          TestRuntime runtime;
          left = &runtime.runtime();
          runtime.Run([] { EXPECT_TRUE(internal::StartFiber(body, {.name = "forgotten"})); });
        }
        never.Close();
        // What the leak check left behind; reachable again, so that leak sanitizer stays quiet.
        static const Runtime* const reachable = left;
        (void)reachable;
      },
      "'forgotten' on shard 0, parked on channel receive");
}

}  // namespace
}  // namespace weft
