#include "platform/observability/profiling/cpu_profile.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "platform/fiber/cpu_sampler.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("profiling");

// The sampler has room for more samples than come in this time.
constexpr absl::Duration kDrainInterval = absl::Milliseconds(50);

class Stacks {
 public:
  void Add(absl::Span<const uintptr_t> addresses) {
    ++samples_;
    std::vector<uintptr_t> stack(addresses.begin(), addresses.end());
    if (counts_.size() >= kMaxProfileStacks && !counts_.contains(stack)) stack.resize(1);
    ++counts_[std::move(stack)];
  }

  int64_t samples() const { return samples_; }
  const absl::flat_hash_map<std::vector<uintptr_t>, int64_t>& counts() const { return counts_; }

 private:
  int64_t samples_ = 0;
  absl::flat_hash_map<std::vector<uintptr_t>, int64_t> counts_;
};

// A "slot" of the format: a word of the machine, in its order of bytes.
void AppendSlot(std::string& bytes, uintptr_t value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// The lines of /proc/self/maps that hold code. The others, a line for each fiber's stack among
// them, say nothing to pprof.
std::string MappedCode() {
  std::ifstream maps("/proc/self/maps");
  std::string lines;
  for (std::string line; std::getline(maps, line);) {
    const size_t permissions = line.find(' ') + 1;
    if (line.size() > permissions + 2 && line[permissions + 2] == 'x') {
      absl::StrAppend(&lines, line, "\n");
    }
  }
  return lines;
}

std::string Encode(const Stacks& stacks, int64_t period_micros) {
  std::string bytes;
  for (const uintptr_t slot : {uintptr_t{0}, uintptr_t{3}, uintptr_t{0},
                               static_cast<uintptr_t>(period_micros), uintptr_t{0}}) {
    AppendSlot(bytes, slot);
  }
  for (const auto& [stack, count] : stacks.counts()) {
    AppendSlot(bytes, static_cast<uintptr_t>(count));
    AppendSlot(bytes, stack.size());
    for (const uintptr_t address : stack) AppendSlot(bytes, address);
  }
  for (const uintptr_t slot : {uintptr_t{0}, uintptr_t{1}, uintptr_t{0}}) AppendSlot(bytes, slot);
  return bytes + MappedCode();
}

absl::Status CheckOptions(const CpuProfileOptions& options) {
  if (options.duration < kMinProfile || options.duration > kMaxProfile) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a CPU profile takes from ", absl::FormatDuration(kMinProfile), " to ",
        absl::FormatDuration(kMaxProfile), ", not ", absl::FormatDuration(options.duration)));
  }
  if (options.hertz < 1 || options.hertz > kMaxProfileHertz) {
    return absl::InvalidArgumentError(absl::StrCat("a CPU profile takes from 1 to ",
                                                   kMaxProfileHertz, " samples a second, not ",
                                                   options.hertz));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> CpuProfiles::Take(const CpuProfileOptions& options) {
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_)
      return absl::FailedPreconditionError("no CPU profile is taken during the shutdown");
  }
  absl::StatusOr<std::unique_ptr<CpuSampler>> sampler = CpuSampler::Start(options.hertz);
  if (!sampler.ok()) return sampler.status();
  const absl::Time begin = clock_.Now();
  Stacks stacks;
  bool stopped = false;
  absl::Duration left = options.duration;
  while (!stopped && left > absl::ZeroDuration()) {
    {
      absl::MutexLock lock(&mutex_);
      stopped = mutex_.AwaitWithTimeout(absl::Condition(&stopped_), std::min(left, kDrainInterval));
    }
    (*sampler)->Drain([&stacks](absl::Span<const uintptr_t> stack) { stacks.Add(stack); });
    samples_.store(stacks.samples(), std::memory_order_relaxed);
    left = options.duration - (clock_.Now() - begin);
  }
  kLog.Info("a CPU profile was taken", {{"seconds", absl::ToDoubleSeconds(clock_.Now() - begin)},
                                        {"samples", stacks.samples()},
                                        {"lost", (*sampler)->lost()},
                                        {"stopped_early", stopped}});
  sampler->reset();
  return Encode(stacks, 1'000'000 / options.hertz);
}

void CpuProfiles::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

}  // namespace weft::observability
