#include "platform/fiber/internal/stack_pool.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "platform/base/check.h"

namespace weft::internal {
namespace {

#ifndef MADV_GUARD_INSTALL
constexpr int MADV_GUARD_INSTALL = 102;  // Linux 6.13; older C libraries do not name it.
#endif
#ifndef MADV_POPULATE_WRITE
constexpr int MADV_POPULATE_WRITE = 23;  // Linux 5.14
#endif

// madvise() of the same part of each stack of a slab, in one call. False where the kernel, older
// than 6.13, or the container does not allow that.
bool AdviseEach(char* first, size_t stride, size_t bytes, int advice) {
  std::array<iovec, StackPool::kStacksPerSlab> parts;
  for (size_t i = 0; i < parts.size(); ++i) parts[i] = {first + i * stride, bytes};
  const int process = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (process < 0) return false;
  const int64_t advised =
      syscall(SYS_process_madvise, process, parts.data(), parts.size(), advice, 0);
  close(process);
  return advised == static_cast<int64_t>(parts.size() * bytes);
}

std::atomic<size_t> protected_stacks{0};  // of the process, by mprotect

// A guard that costs no map entry. False where the kernel does not know it.
bool InstallGuard(char* guard, size_t bytes) {
  static std::atomic<bool> unknown{false};
  if (unknown.load(std::memory_order_relaxed)) return false;
  if (madvise(guard, bytes, MADV_GUARD_INSTALL) == 0) return true;
  unknown.store(true, std::memory_order_relaxed);
  return false;
}

// A guard within the process' budget of map entries. False when it is used up.
bool ProtectGuard(char* guard, size_t bytes) {
  if (protected_stacks.fetch_add(1, std::memory_order_relaxed) < StackPool::kMaxProtectedStacks &&
      mprotect(guard, bytes, PROT_NONE) == 0) {
    return true;
  }
  protected_stacks.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

StackPool::StackPool(size_t stack_bytes)
    : stack_bytes_(RoundUp(stack_bytes, PageBytes())),
      guard_bytes_(RoundUp(kGuardBytes, PageBytes())),
      stride_bytes_(stack_bytes_ + guard_bytes_) {}

StackPool::~StackPool() {
  Check(in_use() == 0 && free_.size() + unreleased_.size() == slabs_.size() * kStacksPerSlab,
        "a shard's stacks do not add up: a fiber's stack was lost, or given back twice");
  for (void* slab : slabs_) munmap(slab, stride_bytes_ * kStacksPerSlab);
  protected_stacks.fetch_sub(protected_count_, std::memory_order_relaxed);
}

bool StackPool::AddSlab() {
  void* const slab = mmap(nullptr, stride_bytes_ * kStacksPerSlab, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (slab == MAP_FAILED) return false;
  // A huge page would make 2 MiB resident for the first touch of one stack.
  madvise(slab, stride_bytes_ * kStacksPerSlab, MADV_NOHUGEPAGE);
  slabs_.push_back(slab);
  char* const guards = static_cast<char*>(slab);
  const bool guarded = AdviseEach(guards, stride_bytes_, guard_bytes_, MADV_GUARD_INSTALL);
  for (size_t i = kStacksPerSlab; i-- > 0;) {
    char* const guard = guards + i * stride_bytes_;
    if (!guarded && !InstallGuard(guard, guard_bytes_) && ProtectGuard(guard, guard_bytes_)) {
      ++protected_count_;
    }
    free_.push_back(guard + stride_bytes_);
  }
  if (guarded && slabs_.size() > StackPool::kSlabsBeforePopulating) {
    AdviseEach(guards + stride_bytes_ - PageBytes(), stride_bytes_, PageBytes(),
               MADV_POPULATE_WRITE);
  }
  return true;
}

void* StackPool::Allocate() {
  for (std::vector<void*>* const stacks : {&unreleased_, &free_}) {
    if (stacks->empty() && (stacks != &free_ || !AddSlab())) continue;
    void* const top = stacks->back();
    stacks->pop_back();
    in_use_.store(in_use() + 1, std::memory_order_relaxed);
    return top;
  }
  return nullptr;
}

void StackPool::Deallocate(void* top) {
  unreleased_.push_back(top);
  in_use_.store(in_use() - 1, std::memory_order_relaxed);
}

void StackPool::ReleaseMemory() {
  std::sort(unreleased_.begin(), unreleased_.end(), std::less<>());
  for (size_t first = 0; first < unreleased_.size();) {
    size_t last = first;
    while (last + 1 < unreleased_.size() &&
           static_cast<char*>(unreleased_[last]) + stride_bytes_ == unreleased_[last + 1]) {
      ++last;
    }
    char* const begin = static_cast<char*>(unreleased_[first]) - stack_bytes_;
    // The guards between them keep their place: they have no memory to give.
    madvise(begin, static_cast<size_t>(static_cast<char*>(unreleased_[last]) - begin),
            MADV_DONTNEED);
    first = last + 1;
  }
  free_.insert(free_.end(), unreleased_.begin(), unreleased_.end());
  unreleased_.clear();
}

size_t StackPool::TouchedBytes(void* top) const {
  constexpr size_t kPagesAtOnce = 256;
  unsigned char resident[kPagesAtOnce];
  const size_t page_bytes = PageBytes();
  for (size_t left = stack_bytes_; left > 0;) {
    const size_t pages = std::min(kPagesAtOnce, left / page_bytes);
    if (mincore(static_cast<char*>(top) - left, pages * page_bytes, resident) != 0) return 0;
    for (size_t page = 0; page < pages; ++page) {
      if ((resident[page] & 1) != 0) return left - page * page_bytes;
    }
    left -= pages * page_bytes;
  }
  return 0;
}

void StackPool::Trim(void* top, size_t keep_bytes) {
  if (keep_bytes >= stack_bytes_) return;
  madvise(static_cast<char*>(top) - stack_bytes_, stack_bytes_ - keep_bytes, MADV_DONTNEED);
}

}  // namespace weft::internal
