// The example of README.md, compiled and run; and a check that it is the same text.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "platform/fiber/blocking.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace {

class Shop {
 public:
  explicit Shop(absl::Duration network) : network_(network) {}
  absl::StatusOr<int> Price(int sku) {
    if (absl::Status s = weft::SleepFor(network_); !s.ok()) return s;
    return 10 * sku;
  }
  int ReadDiscount(int sku) { return sku; }

 private:
  const absl::Duration network_;
};

// clang-format off
// README begins
absl::StatusOr<int> Offer(Shop& shop, int sku) {
  weft::TaskGroup group({.deadline = weft::Now() + absl::Milliseconds(50)});
  auto price = group.Spawn("price", [&] { return shop.Price(sku); });   // parks its fiber
  auto discount = group.Spawn("discount", [&] {
    return weft::Blocking([&] { return shop.ReadDiscount(sku); });      // blocks a pool thread
  });
  if (absl::Status s = group.Wait(); !s.ok()) return s;   // the first failure cancelled the other
  return *price - *discount;
}
// README ends
// clang-format on

TEST(ReadmeExample, JoinsItsChildren) {
  weft::TestRuntime().Run([] {
    Shop shop(absl::ZeroDuration());
    EXPECT_EQ(*Offer(shop, 3), 27);
  });
}

TEST(ReadmeExample, GivesUpAtItsDeadline) {
  weft::TestRuntime().Run([] {
    Shop shop(absl::Seconds(5));
    EXPECT_EQ(Offer(shop, 3).status().code(), absl::StatusCode::kDeadlineExceeded);
  });
}

std::string Between(const std::string& file, const std::string& begin, const std::string& end) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  const size_t first = text.str().find(begin);
  const size_t last = text.str().find(end, first + begin.size());
  if (first == std::string::npos || last == std::string::npos) return "";
  return text.str().substr(first + begin.size(), last - first - begin.size());
}

TEST(ReadmeExample, IsWhatTheReadmeShows) {
  const std::string shown = Between("platform/fiber/README.md", "```cpp\n", "```");
  EXPECT_FALSE(shown.empty());
  EXPECT_EQ(shown,
            Between("platform/fiber/example_test.cc", "// README begins\n", "// README ends"));
}

}  // namespace
