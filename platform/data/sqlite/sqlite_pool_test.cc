#include "platform/data/sqlite/sqlite_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/observability/testing/recorded_tracing.h"

namespace weft::data {
namespace {

using observability::kSampled;
using observability::kUnsampled;
using testing::HasSubstr;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

class SqlitePoolTest : public testing::Test {
 protected:
  SqlitePoolTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                absl::StrCat("sqlite_pool_",
                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~SqlitePoolTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<SqlitePool> Open(int threads, size_t queue = 64) {
    absl::StatusOr<std::unique_ptr<SqlitePool>> pool = SqlitePool::Open(
        {.database = {.path = folder_ / "shop.db"}, .threads = threads, .queue = queue});
    if (!pool.ok()) ADD_FAILURE() << pool.status();
    return pool.ok() ? *std::move(pool) : nullptr;
  }
  static absl::StatusOr<int64_t> Count(SqliteDatabase& database) {
    absl::StatusOr<SqliteStatement> count = database.Prepare("SELECT count(*) FROM t");
    if (!count.ok()) return count.status();
    if (absl::StatusOr<bool> row = count->Step(); !row.ok()) return row.status();
    return count->Int(0);
  }

  const std::filesystem::path folder_;
  Runtime runtime_{{.shards = 1}};
};

TEST_F(SqlitePoolTest, FiberReadsWhatItWrote) {
  const auto pool = Open(2);
  runtime_.Run([&] {
    const absl::Status made = pool->Run("test", [](SqliteDatabase& database) {
      return database.Execute("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)");
    });
    EXPECT_TRUE(made.ok()) << made;
    const absl::StatusOr<int64_t> count = pool->Run("count", Count);
    ASSERT_TRUE(count.ok()) << count.status();
    EXPECT_EQ(*count, 2);
  });
}

TEST_F(SqlitePoolTest, JobsRunAtTheSameTimeOnConnectionsOfTheirOwn) {
  const auto pool = Open(2);
  // Both jobs must be there for either to go on.
  absl::Barrier* both = new absl::Barrier(2);
  SqliteDatabase* seen[2] = {};
  runtime_.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {
      group.Spawn([&, i] {
        return pool->Run("test", [&](SqliteDatabase& database) {
          seen[i] = &database;
          if (both->Block()) delete both;
          return absl::OkStatus();
        });
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_NE(seen[0], nullptr);
  EXPECT_NE(seen[0], seen[1]);
}

TEST_F(SqlitePoolTest, FiberParksWhileTheJobBlocksItsThread) {
  const auto pool = Open(1);
  absl::Notification go_on;
  runtime_.Run([&] {
    TaskGroup group;
    group.Spawn([&] {
      return pool->Run("test", [&](SqliteDatabase&) {
        go_on.WaitForNotification();
        return absl::OkStatus();
      });
    });
    // Would never be reached on this one shard if the job blocked it.
    group.Spawn([&] { go_on.Notify(); });
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(SqlitePoolTest, MoreJobsThanTheQueueHoldsAreRefused) {
  const auto pool = Open(1, 1);
  absl::Notification go_on;
  runtime_.Run([&] {
    TaskGroup group;
    const auto wait = [&] {
      return pool->Run("test", [&](SqliteDatabase&) {
        go_on.WaitForNotification();
        return absl::OkStatus();
      });
    };
    group.Spawn(wait);
    while (pool->blocking_pool().Stats().busy == 0) Yield();
    group.Spawn(wait);
    while (pool->blocking_pool().Stats().queued == 0) Yield();
    EXPECT_EQ(wait().code(), absl::StatusCode::kResourceExhausted);
    go_on.Notify();
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(pool->blocking_pool().Stats().rejected_total, 1u);
}

TEST_F(SqlitePoolTest, TransactionLeftOpenIsRolledBack) {
  const auto pool = Open(1);
  runtime_.Run([&] {
    const absl::Status left_open = pool->Run("test", [](SqliteDatabase& database) {
      return database.Execute("CREATE TABLE t (x); BEGIN; INSERT INTO t VALUES (1)");
    });
    EXPECT_TRUE(left_open.ok());
    const absl::StatusOr<int64_t> count = pool->Run("count", Count);
    ASSERT_TRUE(count.ok()) << count.status();
    EXPECT_EQ(*count, 0);
  });
}

TEST_F(SqlitePoolTest, ConnectionComesBackFromAJobThatThrew) {
  const auto pool = Open(1);
  runtime_.Run([&] {
    const absl::Status thrown = pool->Run("test", [](SqliteDatabase&) -> absl::Status {
      throw std::runtime_error("no");  // as a library that the job calls might
    });
    EXPECT_EQ(thrown.code(), absl::StatusCode::kInternal);
    const absl::Status after = pool->Run(
        "test", [](SqliteDatabase& database) { return database.Execute("CREATE TABLE t (x)"); });
    EXPECT_TRUE(after.ok()) << after;
  });
}

TEST_F(SqlitePoolTest, DatabaseThatCannotBeOpenedFailsAtTheStart) {
  const absl::Status status =
      SqlitePool::Open({.database = {.path = folder_ / "no" / "shop.db"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("create its folder"));
}

TEST_F(SqlitePoolTest, MemoryAndNoThreadsAreRefused) {
  EXPECT_EQ(SqlitePool::Open({.database = {.path = ":memory:"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      SqlitePool::Open({.database = {.path = folder_ / "shop.db"}, .threads = 0}).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(SqlitePoolTest, AnOperationIsASpanOfItsCall) {
  observability::RecordedTracing tracing;
  const auto pool = Open(1);
  runtime_.Run([&] {
    const auto make_and_fail = [&] {
      const absl::Status made = pool->Run("make table", [](SqliteDatabase& database) {
        return database.Execute("CREATE TABLE t (x DEFAULT 'secret')");
      });
      EXPECT_TRUE(made.ok()) << made;
      EXPECT_FALSE(pool->Run("no table",
                             [](SqliteDatabase& database) {
                               return database.Prepare("SELECT * FROM u WHERE x = ?1").status();
                             })
                       .ok());
    };
    tracing.Serve(kGet, kSampled, make_and_fail);
    tracing.Serve(kGet, kUnsampled, [&] { EXPECT_TRUE(pool->Run("count", Count).ok()); });
  });
  const auto spans = tracing.TakeSpans();
  ASSERT_EQ(spans.size(), 3u);  // The third is the call's.
  const auto text = [&spans](size_t i, const char* key) {
    return opentelemetry::nostd::get<std::string>(spans[i]->GetAttributes().at(key));
  };
  EXPECT_EQ(spans[0]->GetParentSpanId(), spans[2]->GetSpanId());
  EXPECT_EQ(std::string(spans[0]->GetName()), "make table");
  EXPECT_EQ(spans[0]->GetSpanKind(), opentelemetry::trace::SpanKind::kClient);
  EXPECT_EQ(text(0, "db.system.name"), "sqlite");
  EXPECT_EQ(text(0, "db.namespace"), "shop.db");
  EXPECT_EQ(text(0, "db.query.summary"), "make table");
  EXPECT_EQ(text(0, "db.query.text"), "CREATE TABLE t (x DEFAULT ?)");
  EXPECT_EQ(spans[0]->GetAttributes().count("error.type"), 0u);
  ASSERT_EQ(spans[0]->GetEvents().size(), 1u);
  EXPECT_EQ(spans[0]->GetEvents()[0].GetName(), "connection acquired");
  EXPECT_EQ(std::string(spans[1]->GetName()), "no table");
  EXPECT_EQ(text(1, "db.query.text"), "SELECT * FROM u WHERE x = ?1");
  EXPECT_EQ(text(1, "error.type"), "INTERNAL");
  EXPECT_EQ(spans[1]->GetStatus(), opentelemetry::trace::StatusCode::kError);
}

}  // namespace
}  // namespace weft::data
