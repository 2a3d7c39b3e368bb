#include "platform/data/database_use.h"

#include <gtest/gtest.h>

#include <string>

#include "platform/fiber/runtime.h"
#include "platform/observability/testing/recorded_tracing.h"

namespace weft::data {
namespace {

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

std::string Text(const opentelemetry::sdk::trace::SpanData& span, const char* key) {
  return opentelemetry::nostd::get<std::string>(span.GetAttributes().at(key));
}

class DatabaseUseTest : public testing::Test {
 protected:
  observability::RecordedTracing tracing_;
  Runtime runtime_{{.shards = 1}};
};

TEST_F(DatabaseUseTest, QueriesAreToldTogetherWithoutTheirValuesAndCut) {
  runtime_.Run([&] {
    tracing_.Serve(kGet, observability::kSampled, [&] {
      DatabaseUse first("sqlite", "two queries", "shop.db");
      first.AddQuery("SELECT 1");
      first.AddQuery("SELECT 'Zoë'");
      first.End(absl::OkStatus());
      DatabaseUse second("sqlite", "long", "shop.db");
      for (int i = 0; i < 1000; ++i) second.AddQuery("SELECT name FROM products");
      second.End(absl::OkStatus());
    });
  });
  const auto spans = tracing_.TakeSpans();
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(Text(*spans[0], "db.query.text"), "SELECT ?; SELECT ?");
  EXPECT_EQ(Text(*spans[1], "db.query.text").size(), kMaxQueryTextBytes + std::string("…").size());
}

TEST_F(DatabaseUseTest, OneThatIsNotEndedWasGivenUp) {
  runtime_.Run([&] {
    tracing_.Serve(kGet, observability::kSampled,
                   [] { DatabaseUse use("sqlite", "find product", "shop.db"); });
  });
  const auto spans = tracing_.TakeSpans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(Text(*spans[0], "error.type"), "UNKNOWN");
  EXPECT_EQ(spans[0]->GetStatus(), opentelemetry::trace::StatusCode::kError);
}

TEST_F(DatabaseUseTest, OfACallThatIsNotSampledNothingIsRecorded) {
  runtime_.Run([&] {
    tracing_.Serve(kGet, observability::kUnsampled, [] {
      DatabaseUse use("sqlite", "find product", "shop.db");
      EXPECT_FALSE(use.recorded());
      use.ConnectionAcquired();
      use.AddQuery("SELECT 1");
      use.End(absl::OkStatus());
    });
  });
  EXPECT_EQ(tracing_.TakeSpans().size(), 0u);
}

}  // namespace
}  // namespace weft::data
