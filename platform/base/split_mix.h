// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): random
// bits of a state that is a sum, which each draw advances by kSplitMixGamma; so threads may share
// it without a lock. Also a good hash of numbers. No secret.
#ifndef WEFT_PLATFORM_BASE_SPLIT_MIX_H_
#define WEFT_PLATFORM_BASE_SPLIT_MIX_H_

#include <cstdint>

namespace weft {

inline constexpr uint64_t kSplitMixGamma = 0x9E3779B97F4A7C15u;

constexpr uint64_t SplitMix(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
  return state ^ (state >> 31);
}

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_SPLIT_MIX_H_
