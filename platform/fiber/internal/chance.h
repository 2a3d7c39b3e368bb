// Numbers by chance for choices that must be fair but not secret: a sequence of the calling
// thread's own, the same again from the same seed.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_CHANCE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_CHANCE_H_

#include <cstdint>

namespace weft::internal {

uint64_t NextByChance();

// Starts the calling thread's sequence anew. A shard does so with its shuffle seed; other threads
// begin as if with 0.
void SeedChance(uint64_t seed);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_CHANCE_H_
