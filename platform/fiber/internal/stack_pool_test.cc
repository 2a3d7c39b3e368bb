#include "platform/fiber/internal/stack_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

namespace weft::internal {
namespace {

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

char* Bottom(const StackPool& pool, void* top) {
  return static_cast<char*>(top) - pool.stack_bytes();
}

TEST(StackPool, RoundsUpToPages) {
  EXPECT_EQ(StackPool(1).stack_bytes(), PageBytes());
  EXPECT_EQ(StackPool(3 * PageBytes() + 1).stack_bytes(), 4 * PageBytes());
}

TEST(StackPool, StacksAreWritableAndDoNotOverlap) {
  StackPool pool(4 * PageBytes());
  std::set<char*> tops;
  for (size_t i = 0; i < 2 * StackPool::kStacksPerSlab + 1; ++i) {
    void* const top = pool.Allocate();
    ASSERT_NE(top, nullptr);
    std::memset(Bottom(pool, top), 0xab, pool.stack_bytes());
    tops.insert(static_cast<char*>(top));
  }
  char* previous = nullptr;
  for (char* const top : tops) {
    if (previous != nullptr) {
      EXPECT_GE(top - previous, static_cast<ptrdiff_t>(pool.stack_bytes() + pool.guard_bytes()));
    }
    previous = top;
  }
  for (char* const top : tops) pool.Deallocate(top);
}

bool IsResident(const StackPool& pool, void* top) {
  std::vector<unsigned char> pages(pool.stack_bytes() / PageBytes());
  EXPECT_EQ(mincore(Bottom(pool, top), pool.stack_bytes(), pages.data()), 0);
  return std::any_of(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; });
}

TEST(StackPool, TellsHowDeepAStackWasUsed) {
  StackPool pool(600 * PageBytes());  // More than are asked for at once.
  char* const top = static_cast<char*>(pool.Allocate());
  EXPECT_EQ(pool.TouchedBytes(top), 0u);
  for (const size_t pages : {1, 17, 599, 600}) {
    top[-static_cast<ptrdiff_t>(pages * PageBytes())] = 1;
    EXPECT_EQ(pool.TouchedBytes(top), pages * PageBytes());
  }
  pool.Deallocate(top);
}

TEST(StackPool, ATrimmedStackKeepsWhatIsNextToItsTop) {
  StackPool pool(8 * PageBytes());
  char* const top = static_cast<char*>(pool.Allocate());
  std::memset(Bottom(pool, top), 0xab, pool.stack_bytes());
  pool.Trim(top, 8 * PageBytes());
  EXPECT_EQ(pool.TouchedBytes(top), 8 * PageBytes());
  pool.Trim(top, 3 * PageBytes());
  EXPECT_EQ(pool.TouchedBytes(top), 3 * PageBytes());
  EXPECT_EQ(top[-static_cast<ptrdiff_t>(3 * PageBytes())], '\xab');
  EXPECT_EQ(*Bottom(pool, top), 0);
  pool.Deallocate(top);
}

TEST(StackPool, GivenBackIsFirstOutAgainWithItsMemory) {
  StackPool pool(4 * PageBytes());
  void* const top = pool.Allocate();
  std::memset(Bottom(pool, top), 0xab, pool.stack_bytes());
  pool.Deallocate(top);
  EXPECT_TRUE(IsResident(pool, top));
  EXPECT_EQ(pool.Allocate(), top);
  pool.Deallocate(top);
}

TEST(StackPool, ReleasesTheMemoryOfThoseGivenBackAndOfNoOther) {
  StackPool pool(4 * PageBytes());
  std::vector<void*> tops;
  for (int i = 0; i < 9; ++i) {
    tops.push_back(pool.Allocate());
    std::memset(Bottom(pool, tops.back()), 0xab, pool.stack_bytes());
  }
  // Neighbours, single ones, in no order.
  for (const size_t given_back : {7, 2, 0, 3, 5}) pool.Deallocate(tops[given_back]);
  pool.ReleaseMemory();
  for (const size_t i : {0, 2, 3, 5, 7}) EXPECT_FALSE(IsResident(pool, tops[i])) << i;
  for (const size_t i : {1, 4, 6, 8}) EXPECT_TRUE(IsResident(pool, tops[i])) << i;
  for (const size_t i : {1, 4, 6, 8}) EXPECT_EQ(*Bottom(pool, tops[i]), char(0xab)) << i;
  // All can be had again, empty and guarded as before.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*Bottom(pool, pool.Allocate()), 0);
  for (void* const top : tops) pool.Deallocate(top);
}

TEST(StackPool, OnlyTouchedPagesAreResident) {
  StackPool pool(16 * PageBytes());
  void* const top = pool.Allocate();
  static_cast<char*>(top)[-1] = 1;
  unsigned char resident[16];
  ASSERT_EQ(mincore(Bottom(pool, top), pool.stack_bytes(), resident), 0);
  for (size_t i = 0; i < 15; ++i) EXPECT_EQ(resident[i] & 1, 0) << i;
  EXPECT_EQ(resident[15] & 1, 1);
  pool.Deallocate(top);
}

// Whether this kernel lets a process advise several parts of its own memory at once.
bool KnowsProcessMadvise() {
  void* const page =
      mmap(nullptr, PageBytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int process = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  const iovec part = {page, PageBytes()};
  constexpr int kPopulateWrite = 23;
  const bool knows = syscall(SYS_process_madvise, process, &part, 1, kPopulateWrite, 0) ==
                     static_cast<int64_t>(PageBytes());
  close(process);
  munmap(page, PageBytes());
  return knows;
}

TEST(StackPool, AsksForFirstPagesTogetherOnceThereAreManyStacks) {
  if (!KnowsProcessMadvise()) GTEST_SKIP() << "the kernel (before 6.13) or the sandbox has no way";
  constexpr size_t kUntouched = StackPool::kSlabsBeforePopulating * StackPool::kStacksPerSlab;
  StackPool pool(4 * PageBytes());
  std::vector<void*> tops;
  for (size_t i = 0; i < kUntouched + StackPool::kStacksPerSlab; ++i) {
    tops.push_back(pool.Allocate());
    EXPECT_EQ(pool.TouchedBytes(tops.back()), i < kUntouched ? 0 : PageBytes()) << i;
  }
  for (void* const top : tops) pool.Deallocate(top);
}

TEST(StackPool, CountsTheStacksInUse) {
  StackPool pool(PageBytes());
  void* const first = pool.Allocate();
  void* const second = pool.Allocate();
  EXPECT_EQ(pool.in_use(), 2u);
  pool.Deallocate(first);
  EXPECT_EQ(pool.in_use(), 1u);
  pool.Deallocate(second);
  EXPECT_EQ(pool.in_use(), 0u);
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(StackPoolDeathTest, AStackThatIsNotGivenBackEndsTheProcess) {
  EXPECT_DEATH({ StackPool(PageBytes()).Allocate(); }, "a shard's stacks do not add up");
}

TEST(StackPoolDeathTest, BelowEachStackLiesAGuard) {
  StackPool pool(4 * PageBytes());
  std::vector<void*> tops;
  for (size_t i = 0; i < StackPool::kStacksPerSlab + 1; ++i) tops.push_back(pool.Allocate());
  for (const size_t i : {size_t{0}, size_t{1}, StackPool::kStacksPerSlab}) {
    volatile char* const below = Bottom(pool, tops[i]) - 1;
    EXPECT_DEATH(*below = 1, "");
    volatile char* const lowest = Bottom(pool, tops[i]) - pool.guard_bytes();
    EXPECT_DEATH(*lowest = 1, "");
  }
  for (void* const top : tops) pool.Deallocate(top);
  // Giving memory back must not have taken the guard away.
  volatile char* const below = Bottom(pool, tops[0]) - 1;
  EXPECT_DEATH(*below = 1, "");
}
#endif

}  // namespace
}  // namespace weft::internal
