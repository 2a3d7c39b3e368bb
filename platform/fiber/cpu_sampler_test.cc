// The sampler on real threads: what it counts, and on which stack it does so.
#include "platform/fiber/cpu_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/stack_trace.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

using testing::HasSubstr;

constexpr int kHertz = 1000;
constexpr int64_t kEnough = 50;

std::unique_ptr<CpuSampler> Sampler() {
  absl::StatusOr<std::unique_ptr<CpuSampler>> sampler = CpuSampler::Start(kHertz);
  if (!sampler.ok()) ADD_FAILURE() << sampler.status();
  return *std::move(sampler);
}

// Thread sanitizer hands signals over when the program calls the C library, which this does.
[[gnu::noinline]] void BurnUntilSampled(const CpuSampler& sampler, int64_t samples) {
  volatile uint64_t sum = 0;
  while (sampler.samples() < samples) {
    for (int i = 0; i < 1000; ++i) sum = sum + static_cast<uint64_t>(i);
    delete new int;
  }
  asm volatile("");  // No tail call: the caller's frame must be there.
}

[[gnu::noinline]] void HandlerOfACall(const CpuSampler& sampler) {
  BurnUntilSampled(sampler, kEnough);
  asm volatile("");
}

std::vector<std::vector<uintptr_t>> DrainAll(CpuSampler& sampler) {
  std::vector<std::vector<uintptr_t>> stacks;
  sampler.Drain([&stacks](absl::Span<const uintptr_t> stack) {
    stacks.emplace_back(stack.begin(), stack.end());
  });
  return stacks;
}

// How many of the stacks have a function whose name contains `name`.
int CountWith(const std::vector<std::vector<uintptr_t>>& stacks, absl::string_view name) {
  Symbolizer symbolizer;
  int count = 0;
  for (const std::vector<uintptr_t>& stack : stacks) {
    for (const uintptr_t address : stack) {
      if (!absl::StrContains(symbolizer.Name(address), name)) continue;
      ++count;
      break;
    }
  }
  return count;
}

RuntimeOptions OneShard() { return {.shards = 1, .stall_threshold = absl::ZeroDuration()}; }

TEST(CpuSampler, FiberThatComputesIsSampledWithItsCallers) {
  Runtime runtime(OneShard());
  const std::unique_ptr<CpuSampler> sampler = Sampler();
  runtime.Run([&] { HandlerOfACall(*sampler); });
  const std::vector<std::vector<uintptr_t>> stacks = DrainAll(*sampler);
  ASSERT_GE(static_cast<int64_t>(stacks.size()), kEnough - 1);
  const int all = static_cast<int>(stacks.size());
  // Nothing else computes. A sample may fall into the begin or end, or have its innermost frame
  // only.
  EXPECT_GE(CountWith(stacks, "HandlerOfACall"), all * 8 / 10) << "of " << all;
  EXPECT_EQ(sampler->lost(), 0);
}

TEST(CpuSampler, PlainThreadsAreSampledToo) {
  const std::unique_ptr<CpuSampler> sampler = Sampler();
  std::thread([&] { HandlerOfACall(*sampler); }).join();
  const std::vector<std::vector<uintptr_t>> stacks = DrainAll(*sampler);
  EXPECT_GE(CountWith(stacks, "HandlerOfACall"), static_cast<int>(stacks.size()) * 8 / 10);
}

// Leaves only `left` bytes below; an overflow would end the process.
[[gnu::noinline]] void BurnNearTheEndOfTheStack(uintptr_t end, const CpuSampler& sampler) {
  volatile char frame[64];
  frame[0] = 1;
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) > end) {
    BurnNearTheEndOfTheStack(end, sampler);
  } else {
    BurnUntilSampled(sampler, kEnough);
  }
  frame[1] = frame[0];
}

TEST(CpuSampler, FiberNearTheEndOfASmallStackDoesNotOverflow) {
  RuntimeOptions options = OneShard();
  Runtime runtime(options);
  const std::unique_ptr<CpuSampler> sampler = Sampler();
  runtime.Run([&] {
    TaskGroup group({.stack = StackSize::kSmall});
    group.Spawn([&] {
      // A walk takes more than this: see internal/signal_stack.h.
      constexpr uintptr_t kLeft = 4 * 1024;
      constexpr uintptr_t kUsed = 2 * 1024;  // by what leads here
      const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
      BurnNearTheEndOfTheStack(here - options.small_stack_bytes + kUsed + kLeft, *sampler);
    });
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_GE(sampler->samples(), kEnough);
}

TEST(CpuSampler, ManyThreadsAtOnceLoseNoSample) {
  Runtime runtime({.shards = 4, .stall_threshold = absl::ZeroDuration()});
  const std::unique_ptr<CpuSampler> sampler = Sampler();
  std::vector<std::thread> threads;
  for (int shard = 0; shard < 4; ++shard) {
    threads.emplace_back(
        [&, shard] { runtime.Run([&] { BurnUntilSampled(*sampler, 4 * kEnough); }, shard); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::vector<uintptr_t>> stacks = DrainAll(*sampler);
  EXPECT_GE(static_cast<int64_t>(stacks.size()), 4 * kEnough - 4);
  for (const std::vector<uintptr_t>& stack : stacks) EXPECT_NE(stack.at(0), 0U);
  EXPECT_EQ(sampler->lost(), 0);
}

TEST(CpuSampler, WhatThereIsNoRoomForIsCountedAndThereIsRoomAfterADrain) {
  const std::unique_ptr<CpuSampler> sampler = Sampler();
  // As many as the timer would send in a second or two.
  for (int i = 0; i < 1100; ++i) raise(SIGPROF);
  EXPECT_GE(sampler->lost(), 1100 - 1024);
  EXPECT_EQ(DrainAll(*sampler).size(), 1024U);
  const int64_t lost = sampler->lost();  // not before: the timer goes on
  raise(SIGPROF);
  EXPECT_EQ(sampler->lost(), lost);
  EXPECT_GE(DrainAll(*sampler).size(), 1U);
}

TEST(CpuSampler, SecondOneIsRefusedUntilTheFirstOneEnds) {
  std::unique_ptr<CpuSampler> sampler = Sampler();
  const absl::Status second = CpuSampler::Start(kHertz).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.message()), HasSubstr("already"));
  sampler.reset();
  EXPECT_TRUE(CpuSampler::Start(kHertz).ok());
}

TEST(CpuSampler, NoTimerRunsAfterwardsAndALateSignalDoesNoHarm) {
  Sampler().reset();
  itimerval timer = {};
  ASSERT_EQ(getitimer(ITIMER_PROF, &timer), 0);
  EXPECT_FALSE(timerisset(&timer.it_interval));
  EXPECT_FALSE(timerisset(&timer.it_value));
  raise(SIGPROF);
}

TEST(CpuSampler, HandlerOfTheProgramIsLeftAlone) {
  struct sigaction own = {};
  own.sa_handler = [](int) {};
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGPROF, &own, &before), 0);
  const absl::Status refused = CpuSampler::Start(kHertz).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("SIGPROF"));
  struct sigaction after = {};
  ASSERT_EQ(sigaction(SIGPROF, &before, &after), 0);
  EXPECT_EQ(after.sa_handler, own.sa_handler);
  EXPECT_TRUE(CpuSampler::Start(kHertz).ok());
}

TEST(CpuSamplerDeathTest, FrequencyOutOfBoundsIsTheCallersMistake) {
  EXPECT_DEATH((void)CpuSampler::Start(0), "hertz is from 1 to kMaxSamplerHertz");
  EXPECT_DEATH((void)CpuSampler::Start(1001), "hertz is from 1 to kMaxSamplerHertz");
}

}  // namespace
}  // namespace weft
