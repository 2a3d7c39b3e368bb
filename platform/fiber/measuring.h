// What the programs that measure very many fibers share: their flag, and the process' memory.
#ifndef WEFT_PLATFORM_FIBER_MEASURING_H_
#define WEFT_PLATFORM_FIBER_MEASURING_H_

#include <cstdint>

namespace weft {

// The number of --fibers=, or `usual`. Any other argument ends the process with its usage.
int64_t FibersFromFlags(int argc, char** argv, int64_t usual);

// The number behind `key` in such a file as /proc/self/status, "VmPTE:", which is in KiB, as bytes.
// Ends the process where there is none.
int64_t ProcBytes(const char* file, const char* key);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_MEASURING_H_
