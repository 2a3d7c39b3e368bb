// What weft_fibers_test.py looks at: fibers in every state, when AllAreThere()
// is called.
//
//   fiber  shard
//   1      0      runs, and calls AllAreThere()
//   3      0      "holder", sleeps
//   5      0      "shop.v1.Shop/Get", waits for the mutex that 3 holds, in
//   ReadPrice() 7      0      "late", has not begun 2      1      waits in
//   Runtime::Run for its child, 4, which sleeps
//
// Then, with --abort, it ends by SIGABRT; with --wait it says "there" and goes
// on when its input ends.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

// Of no namespace: names to be found in a backtrace.
[[gnu::noinline]] void AllAreThere() { asm volatile(""); }

[[gnu::noinline]] void ReadPrice(weft::Mutex& mutex, int sku) {
  mutex.Lock();
  asm volatile("" : : "r"(sku));
  mutex.Unlock();
}

[[gnu::noinline]] void Get(weft::Mutex& mutex) {
  ReadPrice(mutex, 17);
  asm volatile("");
}

[[gnu::noinline]] void SleepOnTheOtherShard() {
  weft::SleepFor(absl::Hours(24)).IgnoreError();
  asm volatile("");
}

int main(int argc, char** argv) {
  const absl::string_view option = argc > 1 ? argv[1] : "";
  weft::Runtime runtime({.shards = 2, .name = "debugged"});
  weft::Event other_sleeps;
  weft::TaskGroup* other_group = nullptr;
  std::thread other([&] {
    runtime.Run(
        [&] {
          weft::TaskGroup group;
          other_group = &group;
          group.Spawn("other shard", [&] {
            // The shard gets to it once this fiber sleeps.
            runtime.Post(1, [&] { other_sleeps.Set(); });
            SleepOnTheOtherShard();
          });
          group.Wait().IgnoreError();
        },
        /*shard=*/1);
  });
  runtime.Run([&] {
    other_sleeps.Wait().IgnoreError();
    weft::Mutex mutex;
    weft::TaskGroup group;
    group.Spawn("holder", [&mutex] {
      mutex.Lock();
      weft::SleepFor(absl::Hours(24)).IgnoreError();
      mutex.Unlock();
    });
    group.Spawn("shop.v1.Shop/Get", [&mutex] { Get(mutex); });
    weft::Yield();
    group.Spawn("late", [] {});
    AllAreThere();
    if (option == "--abort") std::abort();
    if (option == "--wait") {
      std::puts("there");
      std::fflush(stdout);
      while (std::getchar() != EOF) continue;
    }
    group.Cancel();
    group.Wait().IgnoreError();
  });
  runtime.Post(1, [&] { other_group->Cancel(); });
  other.join();
  return 0;
}
