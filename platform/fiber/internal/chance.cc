#include "platform/fiber/internal/chance.h"

#include "platform/base/split_mix.h"

namespace weft::internal {
namespace {

constinit thread_local uint64_t state = 0;

}  // namespace

uint64_t NextByChance() {
  state += kSplitMixGamma;
  return SplitMix(state);
}

void SeedChance(uint64_t seed) { state = seed; }

}  // namespace weft::internal
