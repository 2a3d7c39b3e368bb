// Upper bounds of the buckets of the catalogue's histograms, each in the unit of its metric.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_BUCKETS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_BUCKETS_H_

#include <array>

namespace weft::observability {

// gRPC proposal A66, "Metrics": latency in seconds and sizes in bytes.
inline constexpr std::array<double, 41> kLatencyBuckets = {
    0,     0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004,
    0.005, 0.006,   0.008,   0.01,   0.013,  0.016,  0.02,   0.025, 0.03,  0.04,  0.05,
    0.065, 0.08,    0.1,     0.13,   0.16,   0.2,    0.25,   0.3,   0.4,   0.5,   0.65,
    0.8,   1,       2,       5,      10,     20,     50,     100};
inline constexpr std::array<double, 14> kSizeBuckets = {
    0,       1024,    2048,     4096,     16384,     65536,      262144,
    1048576, 4194304, 16777216, 67108864, 268435456, 1073741824, 4294967296};
// A turn of a loop: a few microseconds when all is well, a second when a fiber hogs its shard.
inline constexpr std::array<double, 18> kLoopLagBuckets = {
    0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
    0.01,    0.02,    0.05,    0.1,    0.2,    0.5,    1,     2,     5};
// From the default of RuntimeOptions::stall_threshold to what only a bug takes.
inline constexpr std::array<double, 11> kStallBuckets = {0.025, 0.05, 0.1, 0.2, 0.5, 1,
                                                         2,     5,    10,  30,  60};
// LatencyHistogram::kBoundsNanos (platform/base/latency_histogram.h), in seconds.
inline constexpr std::array<double, 22> kQueueWaitBuckets = {
    0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.005, 0.01, 0.02,
    0.05,    0.1,     0.2,    0.5,    1,      2,      3,     4,     5,     8,    10};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_BUCKETS_H_
