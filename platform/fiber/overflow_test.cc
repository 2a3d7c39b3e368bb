// A fiber that overflows its stack, and other faults, which must end as they would without us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "platform/fiber/fiber_local.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
namespace weft {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

FiberLocal<int> customer_number;

class Observer final : public RuntimeObserver {
 public:
  bool DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept override {
    const int* const number = customer_number.FindIn(locals);
    if (number == nullptr) return false;
    std::snprintf(text, size, "customer %d", *number);
    return true;
  }
};

[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : Recurse(depth + 1) + frame[0];
}

// A fault, and not what the undefined behavior sanitizer says instead.
[[gnu::noinline, gnu::no_sanitize("undefined")]] void WriteToNull() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

// Past the end of its file: SIGBUS.
void WriteToNoFile() {
  char name[] = "/tmp/overflow_test.XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  volatile char* const page =
      static_cast<char*>(mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  *page = 1;
}

template <typename F>
void RunInFiber(const RuntimeOptions& options, F function) {
  Runtime runtime(options);
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn("shop.v1.Shop/Get", [&] {
      customer_number.Get() = 17;
      function();
    });
    group.Wait().IgnoreError();
  });
}

void Overflow() { Recurse(0); }

void OverflowASmallStack() {
  Runtime runtime({.shards = 1, .small_stack_bytes = 32 * 1024});
  runtime.Run([] {
    TaskGroup group({.stack = StackSize::kSmall});
    group.Spawn(Overflow);
    group.Wait().IgnoreError();
  });
}

const RuntimeOptions kUnwatched = {.shards = 1, .stack_bytes = 64 * 1024};

RuntimeOptions Watched(RuntimeObserver& observer) {
  return {.shards = 1, .stack_bytes = 64 * 1024, .observer = &observer};
}

void WriteLine(const char* line) {
  [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, line, strlen(line));
}

[[noreturn]] void OtherHandler(int) {
  WriteLine("the other handler\n");
  _exit(3);
}

struct sigaction found;
[[noreturn]] void HandlerThatGoesOn(int signal, siginfo_t* info, void* context) {
  WriteLine("the later handler\n");
  found.sa_sigaction(signal, info, context);
  _exit(3);
}

void InstallOtherHandler(int signal) {
  struct sigaction action {};
  action.sa_handler = OtherHandler;
  action.sa_flags = SA_ONSTACK;
  sigaction(signal, &action, nullptr);
}

// What the report's lines begin with; the sanitizer's stacks name "weft::" alone.
auto IsNoReport() { return Not(HasSubstr("weft: ")); }

// How a process ends by a fault that nobody handles; address sanitizer handles all.
bool EndsAsUnhandled(int signal, int status) {
#ifdef __SANITIZE_ADDRESS__
  static_cast<void>(signal);
  return testing::ExitedWithCode(1)(status);
#else
  return testing::KilledBySignal(signal)(status);
#endif
}
bool EndsBySegv(int status) { return EndsAsUnhandled(SIGSEGV, status); }
bool EndsByBus(int status) { return EndsAsUnhandled(SIGBUS, status); }

// Of a handler that calls the report's, which goes on to the sanitizer's.
bool EndsAfterTheReport(int status) {
#ifdef __SANITIZE_ADDRESS__
  return EndsBySegv(status);
#else
  return testing::ExitedWithCode(3)(status);
#endif
}

TEST(OverflowDeathTest, SaysWhichFiberItWasAndWhatToDoThenEndsAsBefore) {
  EXPECT_EXIT(RunInFiber(kUnwatched, Overflow), EndsBySegv,
              AllOf(ContainsRegex("weft: fiber 2 'shop.v1.Shop/Get' on shard 0 has overflowed its "
                                  "stack of 65536 bytes"),
                    HasSubstr("raise RuntimeOptions::stack_bytes")));
}

TEST(OverflowDeathTest, ShowsTheRecursionInALine) {
  EXPECT_EXIT(RunInFiber(kUnwatched, Overflow), EndsBySegv,
              ContainsRegex("weft:   0x[0-9a-f]+ .*Recurse\\(\\) \\([0-9]+ times\\)\n"));
}

TEST(OverflowDeathTest, WithAWatchdogAndAnObserverItNamesTheTrace) {
  Observer observer;
  EXPECT_EXIT(
      RunInFiber(Watched(observer), Overflow), EndsBySegv,
      HasSubstr("fiber 2 'shop.v1.Shop/Get' (trace customer 17) on shard 0 has overflowed"));
}

TEST(OverflowDeathTest, OfASmallStackSaysWhichOptionIsMeant) {
  EXPECT_EXIT(OverflowASmallStack(), EndsBySegv,
              AllOf(HasSubstr("has overflowed its stack of 32768 bytes"),
                    HasSubstr("raise RuntimeOptions::small_stack_bytes")));
}

TEST(OverflowDeathTest, OtherFaultsAreNotReportedAndEndAsBefore) {
  Observer observer;
  for (const RuntimeOptions& options : {kUnwatched, Watched(observer)}) {
    EXPECT_EXIT(RunInFiber(options, WriteToNull), EndsBySegv, IsNoReport());
    EXPECT_EXIT(RunInFiber(options, WriteToNoFile), EndsByBus, IsNoReport());
  }
}

TEST(OverflowDeathTest, FaultsOfOtherThreadsEndAsBefore) {
  EXPECT_EXIT(
      {
        Runtime runtime(kUnwatched);
        WriteToNull();
      },
      EndsBySegv, IsNoReport());
}

TEST(OverflowDeathTest, ASignalThatWasSentEndsTheProcess) {
  EXPECT_EXIT(
      {
        Runtime runtime(kUnwatched);
        kill(getpid(), SIGSEGV);
        pause();
      },
      EndsBySegv, IsNoReport());
}

TEST(OverflowDeathTest, AHandlerThatWasThereIsCalledAfterTheReport) {
  EXPECT_EXIT(
      {
        InstallOtherHandler(SIGSEGV);
        RunInFiber(kUnwatched, Overflow);
      },
      testing::ExitedWithCode(3),
      ContainsRegex("has overflowed its stack of (.|\n)*the other handler"));
}

TEST(OverflowDeathTest, AHandlerThatWasThereIsCalledForOtherFaults) {
  EXPECT_EXIT(
      {
        InstallOtherHandler(SIGSEGV);
        RunInFiber(kUnwatched, WriteToNull);
      },
      testing::ExitedWithCode(3), AllOf(HasSubstr("the other handler"), IsNoReport()));
  EXPECT_EXIT(
      {
        InstallOtherHandler(SIGBUS);
        RunInFiber(kUnwatched, WriteToNoFile);
      },
      testing::ExitedWithCode(3), AllOf(HasSubstr("the other handler"), IsNoReport()));
}

TEST(OverflowDeathTest, ALaterHandlerThatCallsTheOneItFoundLeavesTheReport) {
  EXPECT_EXIT(RunInFiber(kUnwatched,
                         [] {
                           struct sigaction action {};
                           action.sa_sigaction = HandlerThatGoesOn;
                           action.sa_flags = SA_SIGINFO | SA_ONSTACK;
                           sigaction(SIGSEGV, &action, &found);
                           Overflow();
                         }),
              EndsAfterTheReport,
              ContainsRegex("the later handler\n(.|\n)*has overflowed its stack"));
}

}  // namespace
}  // namespace weft
#endif
