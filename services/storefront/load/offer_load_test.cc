#include "services/storefront/load/offer_load.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/testing/in_process_server.h"

namespace storefront {
namespace {

// Answers after `delay`, or with `failure`.
class FakeStorefront final : public v1::StorefrontHandler {
 public:
  absl::StatusOr<v1::GetOfferResponse> GetOffer(weft::CallContext&,
                                                const v1::GetOfferRequest& request) override {
    skus.insert(request.sku());
    ++in_flight;
    in_flight_most = std::max(in_flight_most, in_flight);
    const absl::Status slept = weft::SleepFor(delay);
    --in_flight;
    if (!slept.ok()) return slept;
    if (!failure.ok()) return failure;
    return v1::GetOfferResponse();
  }

  absl::Duration delay;
  absl::Status failure;
  std::multiset<std::string> skus;
  int in_flight = 0;
  int in_flight_most = 0;
};

class OfferLoadTest : public testing::Test {
 protected:
  void Run(OfferLoad& load) {
    server_.Run([&] { load.Run(); });
  }
  OfferLoad Load(const OfferLoadOptions& options) {
    return OfferLoad(server_.channel(), options,
                     [this](absl::Duration span, const LoadCounts& counts) {
                       EXPECT_GT(span, absl::ZeroDuration());
                       reported_.Add(counts);
                       ++reports_;
                     });
  }

  FakeStorefront fake_;
  weft::rpc::InProcessServer server_{{&fake_}};
  LoadCounts reported_;
  int reports_ = 0;
};

TEST_F(OfferLoadTest, CallsAreCountedAndReported) {
  OfferLoad load = Load({.concurrency = 3,
                         .products = 5,
                         .duration = absl::Milliseconds(200),
                         .report_interval = absl::Milliseconds(20)});
  Run(load);
  EXPECT_GT(load.total().calls, 0u);
  EXPECT_EQ(load.total().errors, 0u);
  EXPECT_EQ(load.total().calls, fake_.skus.size());
  EXPECT_EQ(load.total().latency.count(), load.total().calls);
  EXPECT_EQ(load.total().statuses.at("OK"), load.total().calls);
  EXPECT_LE(reported_.calls, load.total().calls);
  EXPECT_GT(reports_, 0);
  EXPECT_GE(load.elapsed(), absl::Milliseconds(200));
  for (const std::string& sku : fake_.skus) {
    EXPECT_GE(sku, "SKU-000001");
    EXPECT_LE(sku, "SKU-000005");
  }
}

TEST_F(OfferLoadTest, FailuresAreErrorsWithTheFirstText) {
  fake_.failure = absl::FailedPreconditionError("broken");
  OfferLoad load = Load({.concurrency = 2, .duration = absl::Milliseconds(50)});
  Run(load);
  EXPECT_GT(load.total().errors, 0u);
  EXPECT_EQ(load.total().errors, load.total().calls);
  EXPECT_EQ(load.total().latency.count(), 0u);
  EXPECT_EQ(load.first_error(), fake_.failure);
}

TEST_F(OfferLoadTest, NobodyThereIsAnErrorAndNoHang) {
  const std::shared_ptr<weft::rpc::Channel> gone = [] {
    weft::rpc::InProcessServer server({});
    return server.channel();
  }();
  OfferLoad load(gone, {.concurrency = 2, .duration = absl::Milliseconds(50)}, [](auto&&...) {});
  Run(load);
  EXPECT_GT(load.total().errors, 0u);
  EXPECT_EQ(load.first_error().code(), absl::StatusCode::kUnavailable) << load.first_error();
}

TEST_F(OfferLoadTest, CallsUnderWayAtTheEndMayFinish) {
  fake_.delay = absl::Milliseconds(100);
  OfferLoad load = Load({.concurrency = 4, .duration = absl::Milliseconds(50)});
  Run(load);
  EXPECT_GT(load.total().calls, 0u);
  EXPECT_LE(load.total().calls, 4u);
  EXPECT_EQ(load.total().errors, 0u) << load.first_error();
  EXPECT_GE(load.elapsed(), fake_.delay);
}

TEST_F(OfferLoadTest, StopEndsTheLoad) {
  OfferLoad load = Load({.concurrency = 2});
  server_.Run([&] {
    weft::TaskGroup group;
    group.Spawn("run", [&] { load.Run(); });
    EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(20)).ok());
    load.Stop();
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(load.total().errors, 0u) << load.first_error();
}

TEST_F(OfferLoadTest, StopBeforeRunMakesNoCall) {
  OfferLoad load = Load({.concurrency = 2});
  load.Stop();
  Run(load);
  EXPECT_EQ(load.total().calls, 0u);
}

TEST_F(OfferLoadTest, RateBoundsTheCalls) {
  OfferLoad load =
      Load({.concurrency = 2, .calls_per_second = 100, .duration = absl::Milliseconds(300)});
  Run(load);
  // One every 10 ms, the first at 0: 30, and one more if the end comes late.
  EXPECT_GT(load.total().calls, 0u);
  EXPECT_LE(load.total().calls, 31u);
}

TEST_F(OfferLoadTest, ConcurrencyBoundsTheCallsInFlight) {
  fake_.delay = absl::Milliseconds(5);
  OfferLoad load = Load({.concurrency = 8, .duration = absl::Milliseconds(100)});
  Run(load);
  EXPECT_GT(fake_.in_flight_most, 1);
  EXPECT_LE(fake_.in_flight_most, 8);
}

}  // namespace
}  // namespace storefront
