#include "services/pricing/pricing_service.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/testing/in_process_server.h"
#include "services/pricing/price_rules.h"

namespace pricing {
namespace {

// An answer that comes although nobody should have waited for it.
constexpr absl::Duration kTooLong = absl::Hours(1);

template <typename Request>
Request Line(const std::string& sku, int32_t quantity) {
  Request request;
  request.set_sku(sku);
  request.set_quantity(quantity);
  return request;
}

class PricingServiceTest : public testing::Test {
 protected:
  // Calls `body` with a client of a service with these options, on a fiber.
  template <typename F>
  void With(const PricingOptions& options, F body) {
    PricingService service(options);
    weft::rpc::InProcessServer server({&service});
    server.Run([&] {
      v1::PricingClient client(server.channel());
      body(client);
    });
  }
};

TEST_F(PricingServiceTest, GetPriceAnswersTheRulesPrice) {
  With({.think_time = absl::ZeroDuration(), .price_list_period = absl::ZeroDuration()},
       [](v1::PricingClient& client) {
         auto response = client.GetPrice(Line<v1::GetPriceRequest>("SKU-000001", 10));
         ASSERT_TRUE(response.ok()) << response.status();
         EXPECT_EQ(response->price().SerializeAsString(),
                   MakePrice("SKU-000001", 10, 1).SerializeAsString());
       });
}

TEST_F(PricingServiceTest, GetPriceOfABadLineIsRefusedWithoutThinking) {
  With({.think_time = kTooLong}, [](v1::PricingClient& client) {
    auto response = client.GetPrice(Line<v1::GetPriceRequest>("SKU-000001", 0));
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument) << response.status();
  });
}

TEST_F(PricingServiceTest, GetPriceEndsWithTheCallersDeadline) {
  With({.think_time = kTooLong}, [](v1::PricingClient& client) {
    auto response = client.GetPrice(Line<v1::GetPriceRequest>("SKU-000001", 1),
                                    {.timeout = absl::Milliseconds(20)});
    EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded) << response.status();
  });
}

TEST_F(PricingServiceTest, ThinkTimeIsSpent) {
  weft::rpc::ManualClock clock;
  PricingService service({.think_time = absl::Hours(1)});
  weft::rpc::InProcessServer server({&service}, {.clock = &clock});
  server.Run([&] {
    v1::PricingClient client(server.channel());
    weft::TaskGroup group;
    group.Spawn(
        [&] { return client.GetPrice(Line<v1::GetPriceRequest>("SKU-000001", 1)).status(); });
    EXPECT_THAT(server.calls().WaitFor(1, weft::rpc::UnderWay()), weft::IsOk());
    clock.Advance(absl::Minutes(59));
    // A call that is refused without thinking: the other one has had its opportunity by then.
    EXPECT_THAT(client.GetPrice(Line<v1::GetPriceRequest>("SKU-000001", 0)),
                weft::StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(server.calls().Count(weft::rpc::UnderWay()), 1u);
    clock.Advance(absl::Minutes(1));
    EXPECT_THAT(group.Wait(), weft::IsOk());
  });
}

TEST_F(PricingServiceTest, BasketIsTheSumOfItsLines) {
  With({.think_time = absl::ZeroDuration()}, [](v1::PricingClient& client) {
    auto basket = client.PriceBasket();
    for (int i = 1; i <= kMaxBasketLines; ++i) {
      ASSERT_TRUE(basket.Write(Line<v1::PriceBasketRequest>("SKU-" + std::to_string(i), i)));
    }
    auto response = basket.Finish();
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_EQ(response->lines_size(), kMaxBasketLines);
    int64_t sum = 0;
    for (const v1::Price& line : response->lines()) {
      sum += line.total().minor_units();
      EXPECT_EQ(line.price_list(), response->lines(0).price_list());
    }
    EXPECT_EQ(response->total().minor_units(), sum);
  });
}

TEST_F(PricingServiceTest, BasketWithTooManyLinesIsRefused) {
  With({.think_time = absl::ZeroDuration()}, [](v1::PricingClient& client) {
    auto basket = client.PriceBasket();
    for (int i = 0; i <= kMaxBasketLines; ++i) {
      if (!basket.Write(Line<v1::PriceBasketRequest>("SKU-1", 1))) break;
    }
    const absl::Status status = basket.Finish().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_NE(status.message().find("500"), std::string::npos) << status;
  });
}

TEST_F(PricingServiceTest, WatchAnswersEachLineAtOnce) {
  With({.think_time = absl::ZeroDuration(), .price_list_period = absl::ZeroDuration()},
       [](v1::PricingClient& client) {
         auto watch = client.WatchPrices();
         v1::WatchPricesResponse response;
         for (const std::string sku : {"SKU-1", "SKU-2"}) {
           ASSERT_TRUE(watch.Write(Line<v1::WatchPricesRequest>(sku, 1)));
           ASSERT_TRUE(watch.Read(&response));
           EXPECT_EQ(response.price().sku(), sku);
         }
         watch.WritesDone();
         EXPECT_FALSE(watch.Read(&response));
         const absl::Status status = watch.Finish();
         EXPECT_TRUE(status.ok()) << status;
       });
}

TEST_F(PricingServiceTest, WatchTellsNewPricesOnlyWhenTheyChange) {
  With({.think_time = absl::ZeroDuration(), .price_list_period = absl::Milliseconds(5)},
       [](v1::PricingClient& client) {
         auto watch = client.WatchPrices();
         ASSERT_TRUE(watch.Write(Line<v1::WatchPricesRequest>("SKU-000001", 1)));
         v1::WatchPricesResponse response;
         ASSERT_TRUE(watch.Read(&response));
         for (int i = 0; i < 5; ++i) {
           const v1::Price before = response.price();
           ASSERT_TRUE(watch.Read(&response));
           EXPECT_GT(response.price().price_list(), before.price_list());
           EXPECT_NE(response.price().total().minor_units(), before.total().minor_units());
         }
         watch.WritesDone();
         while (watch.Read(&response)) {
         }
         const absl::Status status = watch.Finish();
         EXPECT_TRUE(status.ok()) << status;
       });
}

TEST_F(PricingServiceTest, WatchOfTooManyLinesIsRefused) {
  With({.think_time = absl::ZeroDuration(), .price_list_period = absl::ZeroDuration()},
       [](v1::PricingClient& client) {
         auto watch = client.WatchPrices();
         v1::WatchPricesResponse response;
         for (int i = 0; i < kMaxWatchedLines; ++i) {
           ASSERT_TRUE(watch.Write(Line<v1::WatchPricesRequest>("SKU-1", 1)));
           ASSERT_TRUE(watch.Read(&response));
         }
         ASSERT_TRUE(watch.Write(Line<v1::WatchPricesRequest>("SKU-1", 1)));
         EXPECT_FALSE(watch.Read(&response));
         EXPECT_EQ(watch.Finish().code(), absl::StatusCode::kResourceExhausted);
       });
}

TEST_F(PricingServiceTest, WatchEndsWithItsClient) {
  With({.think_time = kTooLong}, [](v1::PricingClient& client) {
    weft::CancelScope scope;
    auto watch = client.WatchPrices();
    ASSERT_TRUE(watch.Write(Line<v1::WatchPricesRequest>("SKU-1", 1)));
    scope.Cancel();
    v1::WatchPricesResponse response;
    EXPECT_FALSE(watch.Read(&response));
    EXPECT_FALSE(watch.Finish().ok());
  });  // the server's destructor waits for the handler: it must have seen the end
}

}  // namespace
}  // namespace pricing
