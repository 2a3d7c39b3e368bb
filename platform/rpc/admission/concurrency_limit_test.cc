#include "platform/rpc/admission/concurrency_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace weft::rpc {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

// A server that serves `capacity` calls at once in `service_nanos` each; more wait for each other.
// Little's law makes the latency of n calls that are always there.
struct Server {
  double capacity = 10;
  double service_nanos = 10 * kMillisecond;

  double Latency(int calls) const {
    return service_nanos * std::max(1.0, static_cast<double>(calls) / capacity);
  }
};

class Load {
 public:
  explicit Load(ConcurrencyLimit& limit) : limit_(limit) { limit_.Register(&method_); }

  // `demand` calls are there all the time, of which the limit lets in what it does.
  void Run(const Server& server, int demand, double seconds) {
    const int64_t end_nanos = now_nanos_ + static_cast<int64_t>(seconds * 1e9);
    while (now_nanos_ < end_nanos) {
      const int calls = std::min(demand, limit_.limit());
      const auto latency_nanos = static_cast<int64_t>(server.Latency(calls));
      const int64_t start_nanos = now_nanos_;
      now_nanos_ += latency_nanos;
      for (int i = 0; i < calls; ++i) limit_.Ended(method_, start_nanos, now_nanos_, calls);
    }
  }
  int64_t baseline_nanos() const { return method_.baseline_nanos(); }

 private:
  ConcurrencyLimit& limit_;
  ConcurrencyLimit::Method method_;
  int64_t now_nanos_ = 1;
};

void ExpectKeepsLatencyAndThroughput(const ConcurrencyLimit& limit, const Server& server) {
  EXPECT_GE(limit.limit(), server.capacity);
  EXPECT_LE(server.Latency(limit.limit()), 3 * server.service_nanos);
}

TEST(ConcurrencyLimit, StaysWhileFewCallsCome) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  load.Run({}, /*demand=*/8, /*seconds=*/60);
  EXPECT_EQ(limit.limit(), 1000);
  EXPECT_NEAR(load.baseline_nanos(), 10 * kMillisecond, kMillisecond);
}

TEST(ConcurrencyLimit, FallsUnderOverloadToWhatKeepsLatencyAndThroughput) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  const Server server;
  load.Run(server, 8, 5);
  load.Run(server, 5000, 20);
  ExpectKeepsLatencyAndThroughput(limit, server);
}

TEST(ConcurrencyLimit, FindsTheBaselineWhenOverloadIsThereFromTheStart) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  const Server server;
  load.Run(server, 5000, 60);
  ExpectKeepsLatencyAndThroughput(limit, server);
}

TEST(ConcurrencyLimit, GrowsWhereMoreCallsAreNotSlower) {
  ConcurrencyLimit limit({.initial = 10});
  Load load(limit);
  load.Run({.capacity = 1e9}, 5000, 5);
  EXPECT_GE(limit.limit(), 5000);
}

TEST(ConcurrencyLimit, RecoversWhenCapacityComesBack) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  load.Run({.capacity = 100}, 50, 5);
  load.Run({.capacity = 5}, 5000, 30);
  EXPECT_LE(limit.limit(), 50);
  load.Run({.capacity = 100}, 5000, 60);
  EXPECT_GE(limit.limit(), 100);
}

TEST(ConcurrencyLimit, ABurstIsServed) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  const Server server;
  for (int i = 0; i < 10; ++i) {
    load.Run(server, 8, 1);
    load.Run(server, 400, 0.5);
    EXPECT_EQ(limit.limit(), 1000);
  }
}

// A client's deadline bounds what is in flight, here to 400: far below the first limit.
TEST(ConcurrencyLimit, FallsWhenCallsAreSlowBelowIt) {
  ConcurrencyLimit limit({.initial = 1000});
  Load load(limit);
  const Server server;
  load.Run(server, 8, 5);
  load.Run(server, 400, 20);
  ExpectKeepsLatencyAndThroughput(limit, server);
}

// What is slower for another reason than being many must not starve: a query that takes ten times
// as long since the table grew.
TEST(ConcurrencyLimit, AcceptsThatCallsHaveBecomeSlower) {
  ConcurrencyLimit limit({.initial = 100});
  Load load(limit);
  load.Run({.capacity = 1000}, 400, 10);
  load.Run({.capacity = 1000, .service_nanos = 100 * kMillisecond}, 400, 120);
  EXPECT_GE(limit.limit(), 200);
  EXPECT_NEAR(load.baseline_nanos(), 100 * kMillisecond, 10 * kMillisecond);
}

TEST(ConcurrencyLimit, NeverLeavesItsBounds) {
  ConcurrencyLimit limit({.initial = 100, .min = 7, .max = 200});
  Load load(limit);
  load.Run({.capacity = 1e9}, 5000, 10);
  EXPECT_LE(limit.limit(), 200);
  load.Run({.capacity = 0.01}, 5000, 200);
  EXPECT_GE(limit.limit(), 7);
}

// Ten fast calls to one slow one, then the other way round: no latency has changed.
TEST(ConcurrencyLimit, AnotherMixOfMethodsIsNoOverload) {
  ConcurrencyLimit limit({.initial = 100});
  ConcurrencyLimit::Method fast;
  ConcurrencyLimit::Method slow;
  limit.Register(&fast);
  limit.Register(&slow);
  int64_t now_nanos = 1;
  const auto run = [&](int fast_calls, int slow_calls) {
    for (int round = 0; round < 200; ++round) {
      const int64_t start_nanos = now_nanos;
      now_nanos += 50 * kMillisecond;
      for (int i = 0; i < fast_calls; ++i) {
        limit.Ended(fast, start_nanos, start_nanos + kMillisecond, 80);
      }
      for (int i = 0; i < slow_calls; ++i) limit.Ended(slow, start_nanos, now_nanos, 80);
    }
  };
  run(100, 10);
  const int before = limit.limit();
  run(10, 100);
  EXPECT_GE(limit.limit(), before);
}

// A server with time to spare, whose calls differ a lot: some wait for 1 to 120 ms, others do next
// to nothing, few of them a window.
TEST(ConcurrencyLimit, CallsOfOneMethodThatDifferAreNoOverload) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    std::uniform_int_distribution<int64_t> wait(kMillisecond, 120 * kMillisecond);
    ConcurrencyLimit limit({.initial = 1000});
    ConcurrencyLimit::Method waits;
    ConcurrencyLimit::Method is_quick;
    limit.Register(&waits);
    limit.Register(&is_quick);
    int64_t now_nanos = 1'000'000'000;
    for (int i = 0; i < 60'000; ++i) {  // ten minutes
      now_nanos += 10 * kMillisecond;
      limit.Ended(waits, now_nanos - wait(random), now_nanos, 8);
      if (i % 2 == 0) limit.Ended(is_quick, now_nanos - 50'000, now_nanos, 8);
      ASSERT_EQ(limit.limit(), 1000) << "after " << i;
    }
  }
}

// Exponential waits, as of a queue elsewhere, of some twenty calls a window.
TEST(ConcurrencyLimit, LongTailsAreNoOverload) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    std::exponential_distribution<double> wait(1 / 20e6);
    ConcurrencyLimit limit({.initial = 1000});
    ConcurrencyLimit::Method method;
    limit.Register(&method);
    int64_t now_nanos = 1'000'000'000;
    for (int i = 0; i < 60'000; ++i) {
      now_nanos += 5 * kMillisecond;
      limit.Ended(method, now_nanos - static_cast<int64_t>(wait(random)), now_nanos, 10);
      ASSERT_EQ(limit.limit(), 1000) << "after " << i;
    }
  }
}

// Overload is still seen behind such differences.
TEST(ConcurrencyLimit, CallsThatDifferAndAreTooManyAreFound) {
  std::minstd_rand random(1);
  std::uniform_real_distribution<double> differs(0.1, 1.9);
  ConcurrencyLimit limit({.initial = 1000});
  ConcurrencyLimit::Method method;
  limit.Register(&method);
  const Server server;
  int64_t now_nanos = 1'000'000'000;
  for (const int demand : {8, 800}) {
    const int64_t end_nanos = now_nanos + 20'000 * kMillisecond;
    while (now_nanos < end_nanos) {
      const int calls = std::min(demand, limit.limit());
      const double latency_nanos = server.Latency(calls);
      now_nanos += static_cast<int64_t>(latency_nanos / calls);
      const auto this_one = static_cast<int64_t>(latency_nanos * differs(random));
      limit.Ended(method, now_nanos - this_one, now_nanos, calls);
    }
  }
  ExpectKeepsLatencyAndThroughput(limit, server);
}

}  // namespace
}  // namespace weft::rpc
