#include "platform/fiber/internal/ring_buffer.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace weft::internal {
namespace {

TEST(RingBuffer, StartsEmpty) {
  const RingBuffer<int> ring;
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.size(), 0u);
}

TEST(RingBuffer, AgreesWithADequeUnderRandomPushesAndPops) {
  std::minstd_rand random(1);
  for (const unsigned pushes_of_eight : {3u, 4u, 5u}) {
    RingBuffer<std::unique_ptr<int>> ring;
    std::deque<int> model;
    for (int i = 0; i < 2000; ++i) {
      if (random() % 8 < pushes_of_eight) {
        ring.push_back(std::make_unique<int>(i));
        model.push_back(i);
      } else if (!model.empty()) {
        EXPECT_EQ(*ring.pop_front(), model.front());
        model.pop_front();
      }
      ASSERT_EQ(ring.size(), model.size());
      if (model.empty()) continue;
      EXPECT_EQ(*ring.front(), model.front());
      const size_t index = random() % model.size();
      EXPECT_EQ(*ring[index], model[index]);
    }
  }
}

TEST(RingBuffer, DestroysWhatIsLeft) {
  const auto counted = std::make_shared<int>(0);
  {
    RingBuffer<std::shared_ptr<int>> ring;
    for (int i = 0; i < 6; ++i) ring.push_back(counted);
    (void)ring.pop_front();
    EXPECT_EQ(counted.use_count(), 6);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace weft::internal
