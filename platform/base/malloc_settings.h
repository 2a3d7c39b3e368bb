// When glibc's malloc gives memory back to the system, set for services.
//
// By default the end of the heap is given back as soon as 128 KiB of it are free. Where messages
// are large that is after nearly each call, and the next one gets its pages anew, each by a fault
// and zeroed: of echoes of 1 MB more than a third of the processor's time (docs/adr/0008).
#ifndef WEFT_PLATFORM_BASE_MALLOC_SETTINGS_H_
#define WEFT_PLATFORM_BASE_MALLOC_SETTINGS_H_

namespace weft {

// So much may stay free at the end of each of malloc's heaps, which are about as many as threads
// that allocate. Half of it is not enough: then messages of 1 MB still pay (mallopt(3),
// M_TRIM_THRESHOLD).
inline constexpr int kMallocKeptBytes = 8 * 1024 * 1024;

// Blocks from this size on are the system's at once, and go back to it when they are freed
// (M_MMAP_THRESHOLD). The largest message that gRPC takes by default is as large.
inline constexpr int kMallocMappedBytes = 4 * 1024 * 1024;

// For the start of main(). Does nothing where the environment has settings of its own:
// MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_, or glibc.malloc in GLIBC_TUNABLES. Another
// malloc in glibc's place takes no notice.
void SetUpMalloc();

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_MALLOC_SETTINGS_H_
