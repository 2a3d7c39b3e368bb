// Seeds: how many orders of its fibers a test tries, and how one of them is run again.
//
//   weft::ForEachShuffle(weft::StressSeeds(20), [](uint64_t seed) {
//     weft::TestRuntime runtime({.shuffle_seed = seed});
//     …
//   });
//
// A test that fails prints its seed and the command line that runs the same order again. A seed is
// replayed by --seed=<seed> on the test's own command line (bazel test --test_arg=--seed=<seed>) or
// by WEFT_SHUFFLE_SEED=<seed> in its environment; the command line wins.
#ifndef WEFT_PLATFORM_FIBER_TESTING_SEEDS_H_
#define WEFT_PLATFORM_FIBER_TESTING_SEEDS_H_

#include <cstdint>
#include <functional>
#include <optional>

namespace weft {

// The one seed that this run of the test is to use; nullopt: none was given. Ends the process with
// a message when what was given is no number.
std::optional<uint64_t> SeedToReplay();

// How many seeds a test tries: WEFT_STRESS_SEEDS of the environment, or `otherwise`.
int StressSeeds(int otherwise);

// Calls `test` with the seeds 0 (no shuffle) … `seeds`, up to the first one that fails; with
// SeedToReplay() alone when there is one.
void ForEachShuffle(int seeds, const std::function<void(uint64_t seed)>& test);

namespace internal {
// The seed that a failure from now on is reported with.
void NoteSeed(uint64_t seed);
}  // namespace internal

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_SEEDS_H_
