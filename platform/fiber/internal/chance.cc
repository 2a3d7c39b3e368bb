#include "platform/fiber/internal/chance.h"

namespace weft::internal {
namespace {

constinit thread_local uint64_t state = 0;

}  // namespace

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
uint64_t NextByChance() {
  state += 0x9E3779B97F4A7C15;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

void SeedChance(uint64_t seed) { state = seed; }

}  // namespace weft::internal
