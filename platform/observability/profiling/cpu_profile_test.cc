// Profiles as pprof reads them.
#include "platform/observability/profiling/cpu_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/stack_trace.h"

namespace weft::observability {
namespace {

using testing::HasSubstr;

constexpr int64_t kEnough = 50;

// Thread sanitizer hands signals over when the program calls the C library, which this does.
[[gnu::noinline]] void PriceTheBasket(const CpuProfiles& profiles) {
  volatile uint64_t sum = 0;
  while (profiles.samples() < kEnough) {
    for (int i = 0; i < 1000; ++i) sum = sum + static_cast<uint64_t>(i);
    delete new int;
  }
  asm volatile("");  // No tail call: the caller's frame must be there.
}

[[gnu::noinline]] void HandleCheckout(const CpuProfiles& profiles) {
  PriceTheBasket(profiles);
  asm volatile("");
}

struct Record {
  uint64_t count = 0;
  std::vector<std::string> functions;  // innermost first
};

struct Profile {
  uint64_t period_micros = 0;
  std::vector<Record> records;
  std::string mappings;
};

// As gperftools' cpuprofile-fileformat.html has it.
Profile Parse(const std::string& bytes) {
  Profile profile;
  size_t at = 0;
  const auto next = [&] {
    uint64_t slot = 0;
    if (at + sizeof(slot) > bytes.size()) {
      ADD_FAILURE() << "the profile is cut off at " << at;
      return slot;
    }
    std::memcpy(&slot, bytes.data() + at, sizeof(slot));
    at += sizeof(slot);
    return slot;
  };
  EXPECT_EQ(next(), 0U);
  EXPECT_EQ(next(), 3U);
  EXPECT_EQ(next(), 0U);
  profile.period_micros = next();
  EXPECT_EQ(next(), 0U);
  Symbolizer symbolizer;
  while (at < bytes.size()) {
    Record record = {.count = next(), .functions = {}};
    const uint64_t size = next();
    if (size > 64) {
      ADD_FAILURE() << size << " frames";
      return profile;
    }
    for (uint64_t i = 0; i < size; ++i) {
      // The first one is an instruction, the others are return addresses.
      record.functions.push_back(symbolizer.Name(next() + (i == 0 ? 1 : 0)));
    }
    if (record.count == 0) break;
    profile.records.push_back(std::move(record));
  }
  profile.mappings = bytes.substr(at);
  return profile;
}

bool Has(const Record& record, absl::string_view function) {
  for (const std::string& name : record.functions) {
    if (absl::StrContains(name, function)) return true;
  }
  return false;
}

// A profile of a fiber that computes until there are enough samples, which then ends it.
absl::StatusOr<std::string> ProfileOfABusyFiber(int hertz) {
  Runtime runtime({.shards = 1, .stall_threshold = absl::ZeroDuration()});
  CpuProfiles profiles;
  std::thread busy([&] {
    runtime.Run([&] { HandleCheckout(profiles); });
    profiles.Stop();
  });
  absl::StatusOr<std::string> bytes = profiles.Take({.duration = kMaxProfile, .hertz = hertz});
  busy.join();
  return bytes;
}

TEST(CpuProfiles, BusyFiberIsInItWithItsCallers) {
  const absl::StatusOr<std::string> bytes = ProfileOfABusyFiber(250);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const Profile profile = Parse(*bytes);
  EXPECT_EQ(profile.period_micros, 4000U);
  uint64_t all = 0;
  uint64_t inner = 0;
  uint64_t outer = 0;
  for (const Record& record : profile.records) {
    all += record.count;
    if (Has(record, "PriceTheBasket")) inner += record.count;
    if (Has(record, "HandleCheckout")) outer += record.count;
  }
  EXPECT_GE(all, static_cast<uint64_t>(kEnough));
  // The others are the runtime's start and end, which a sanitizer makes long.
  EXPECT_GT(inner, all / 2) << "of " << all;
  EXPECT_GT(outer, all / 2) << "of " << all;
}

// What `command` writes to stdout.
std::string OutputOf(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(CpuProfiles, PprofNamesTheFunctions) {
  const absl::StatusOr<std::string> bytes = ProfileOfABusyFiber(250);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const std::string file = testing::TempDir() + "/busy.prof";
  std::ofstream(file) << *bytes;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string table = OutputOf("google-pprof --text " + program + " " + file);
  // Functions that all stacks have in common, such as its caller, google-pprof leaves out.
  EXPECT_THAT(table, HasSubstr("PriceTheBasket"));
}

TEST(CpuProfiles, MappingsAreThoseOfCodeOnly) {
  const absl::StatusOr<std::string> bytes = ProfileOfABusyFiber(250);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const std::string mappings = Parse(*bytes).mappings;
  EXPECT_THAT(mappings, HasSubstr("cpu_profile_test"));
  EXPECT_THAT(mappings, HasSubstr("libc.so"));
  EXPECT_THAT(mappings, HasSubstr(" r-xp "));
  EXPECT_THAT(mappings, testing::Not(HasSubstr(" rw-p ")));
}

TEST(CpuProfiles, PeriodIsTheFrequencys) {
  const absl::StatusOr<std::string> bytes = ProfileOfABusyFiber(kDefaultProfileHertz);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(Parse(*bytes).period_micros, 10'000U);
}

// Each look at it takes four seconds.
class HastyClock final : public Clock {
 public:
  int64_t MonotonicNanos() const override { return 4'000'000'000 * looks_.fetch_add(1); }
  absl::Time Epoch() const override { return absl::UnixEpoch(); }
  int looks() const { return looks_.load(); }

 private:
  mutable std::atomic<int> looks_{0};
};

TEST(CpuProfiles, EndsWhenItsTimeIsOver) {
  HastyClock clock;
  CpuProfiles profiles(clock);
  const absl::StatusOr<std::string> bytes = profiles.Take({.duration = absl::Seconds(30)});
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_GE(clock.looks(), 30 / 4);
  EXPECT_THAT(Parse(*bytes).mappings, HasSubstr("libc.so"));
}

TEST(CpuProfiles, SecondOneIsRefusedWhileOneIsTaken) {
  CpuProfiles profiles;
  CpuProfiles others;
  std::thread taker;
  Runtime runtime({.shards = 1, .stall_threshold = absl::ZeroDuration()});
  taker = std::thread([&] { EXPECT_TRUE(profiles.Take({.duration = kMaxProfile}).ok()); });
  // With samples it has begun.
  runtime.Run([&] {
    volatile uint64_t sum = 0;
    while (profiles.samples() == 0) sum = sum + 1;
  });
  const absl::Status refused = others.Take({}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("a CPU profile is being taken already"));
  profiles.Stop();
  taker.join();
}

TEST(CpuProfiles, NoneIsTakenAfterStop) {
  CpuProfiles profiles;
  profiles.Stop();
  const absl::Status refused = profiles.Take({}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("shutdown"));
}

TEST(CpuProfiles, OptionsOutOfBoundsAreRefusedWithTheBounds) {
  CpuProfiles profiles;
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Milliseconds(999), absl::Seconds(301), absl::InfiniteDuration(),
        -absl::Seconds(5)}) {
    const absl::Status refused = profiles.Take({.duration = duration}).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << duration;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("from 1s to 5m"));
  }
  for (const int hertz : {0, -1, 251}) {
    const absl::Status refused = profiles.Take({.hertz = hertz}).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << hertz;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("from 1 to 250 samples"));
  }
}

}  // namespace
}  // namespace weft::observability
