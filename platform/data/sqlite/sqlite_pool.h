// SqlitePool: SQLite for fibers. A BlockingPool with a connection for each of its threads.
//
//   absl::StatusOr<std::unique_ptr<SqlitePool>> pool =
//       SqlitePool::Open({.database = {.path = "shop.db"}, .threads = 4, .queue = 64});
//   …on a fiber:
//   absl::StatusOr<Product> product =
//       (*pool)->Run("find product", [&](SqliteDatabase& db) { return FindProduct(db, sku); });
//
// SQLite lets one connection write at a time: more threads help readers.
#ifndef WEFT_PLATFORM_DATA_SQLITE_SQLITE_POOL_H_
#define WEFT_PLATFORM_DATA_SQLITE_SQLITE_POOL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/clock.h"
#include "platform/data/database_use.h"
#include "platform/data/sqlite/sqlite_database.h"
#include "platform/fiber/blocking_pool.h"

namespace weft::data {

struct SqlitePoolOptions {
  SqliteOptions database;       // a file: ":memory:" would be another database for each connection
  std::string name = "sqlite";  // of the blocking pool, in metrics and threads
  int threads = 4;
  size_t queue = 64;
  const Clock* clock = nullptr;  // null: Clock::Real()
};

// Thread-safe: all shards may use one pool.
class SqlitePool {
 public:
  // Opens all connections, so that a wrong path fails at the start. Blocks the thread.
  static absl::StatusOr<std::unique_ptr<SqlitePool>> Open(SqlitePoolOptions options);
  // Waits for what runs, as BlockingPool's. Requires: no fiber is in Run() afterwards.
  ~SqlitePool() = default;
  SqlitePool(const SqlitePool&) = delete;
  SqlitePool& operator=(const SqlitePool&) = delete;

  // Calls `function` with a connection on a thread of the pool, and parks the calling fiber until
  // it has returned: BlockingPool::Run() with a SqliteDatabase& for the function. The function may
  // block; it must not keep the connection, or statements of it. A transaction that it leaves open
  // is rolled back. `operation` names it in traces and in timelines of calls (database_use.h): a
  // literal, such as "find product".
  template <typename F>
  auto Run(const char* operation, F function) {
    DatabaseUse use("sqlite", operation, database_name_);
    auto result = threads_.Run([this, &function, &use] {
      Loan loan(*this, use);
      return function(loan.database());
    });
    use.End(result);
    return result;
  }

  // For its metrics.
  const BlockingPool& blocking_pool() const { return threads_; }

 private:
  // A connection for the time of one job.
  class Loan {
   public:
    Loan(SqlitePool& pool, DatabaseUse& use);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    SqliteDatabase& database() { return *database_; }

   private:
    SqlitePool& pool_;
    std::unique_ptr<SqliteDatabase> database_;
  };

  SqlitePool(const SqlitePoolOptions& options,
             std::vector<std::unique_ptr<SqliteDatabase>> connections);

  const std::string database_name_;  // the file's, without its folder
  absl::Mutex mutex_;
  // As many as threads, so one is free whenever a job runs.
  std::vector<std::unique_ptr<SqliteDatabase>> free_ ABSL_GUARDED_BY(mutex_);
  BlockingPool threads_;  // the last member: its threads end before the connections go
};

}  // namespace weft::data

#endif  // WEFT_PLATFORM_DATA_SQLITE_SQLITE_POOL_H_
