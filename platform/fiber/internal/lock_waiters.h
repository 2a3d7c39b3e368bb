// LockWaiters: the fibers of a shard that wait for a lock, to find those that wait for each other.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_LOCK_WAITERS_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_LOCK_WAITERS_H_

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

// Used by its shard's thread only. Costs nothing until a fiber waits for a lock.
class LockWaiters {
 public:
  // Requires: fiber.waits_for tells the lock, and who owns it.
  void Add(const FiberRecord& fiber) { by_id_[fiber.id] = &fiber; }
  void Remove(const FiberRecord& fiber) { by_id_.erase(fiber.id); }

  // The ring of fibers that begins with `fiber`: each waits for a lock that the next one holds, and
  // the last one for a lock of `fiber`. Empty when there is none, or when it leads over another
  // shard: a look at all shards finds those (FindLockCycles in fiber_dump.h).
  std::vector<const FiberRecord*> RingOf(const FiberRecord& fiber) const {
    std::vector<const FiberRecord*> ring;
    for (const FiberRecord* next = &fiber; next != nullptr; next = OwnerThatWaits(*next)) {
      if (next == &fiber && !ring.empty()) return ring;
      // A ring that this fiber only leads to was found by the one that closed it.
      if (std::find(ring.begin(), ring.end(), next) != ring.end()) break;
      ring.push_back(next);
    }
    return {};
  }

 private:
  const FiberRecord* OwnerThatWaits(const FiberRecord& fiber) const {
    const auto found = by_id_.find(fiber.waits_for.owner(fiber.waits_for.object));
    return found == by_id_.end() ? nullptr : found->second;
  }

  absl::flat_hash_map<uint64_t, const FiberRecord*> by_id_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_LOCK_WAITERS_H_
