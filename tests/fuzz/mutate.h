// Mutations of a fuzz target's inputs, for runs without libFuzzer.
#ifndef WEFT_TESTS_FUZZ_MUTATE_H_
#define WEFT_TESTS_FUZZ_MUTATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::fuzz {

// Mutated inputs are no longer; those of the corpus may be.
inline constexpr size_t kMaxInputBytes = 4096;

// One of `corpus`, with one to eight changes: bytes changed, put in, taken out or doubled, a piece
// of another input, a number at its limits. The same for the same seed and corpus, on every
// machine.
std::string Mutate(const std::vector<std::string>& corpus, uint64_t seed);

}  // namespace weft::fuzz

#endif  // WEFT_TESTS_FUZZ_MUTATE_H_
