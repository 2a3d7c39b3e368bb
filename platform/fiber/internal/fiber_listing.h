// FiberListing: one look at the fibers of a shard, slice by slice, so that a shard with a hundred
// thousand of them goes on with its work meanwhile. Each slice runs on the shard's loop, between
// fibers: no fiber of the shard runs while it is described.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "platform/fiber/fiber_info.h"

namespace weft::internal {

struct FiberRecord;

struct FiberListing {
  // How long a slice may keep the shard from its work.
  static constexpr int64_t kSliceNanos = 200'000;

  FiberQuery query;
  // Takes a slice's fibers. On the shard's thread.
  absl::AnyInvocable<void(std::vector<FiberInfo> slice, bool last)> deliver;

  // The shard's own: the next fiber to describe, and the shard's other listings. Fibers that came
  // later are not listed; those that ended are skipped.
  FiberRecord* next = nullptr;
  FiberListing* next_listing = nullptr;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_
