#include "platform/data/sqlite/sqlite_pool.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace weft::data {

absl::StatusOr<std::unique_ptr<SqlitePool>> SqlitePool::Open(SqlitePoolOptions options) {
  if (options.threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a SQLite pool needs at least one thread, not ", options.threads));
  }
  if (options.database.path == ":memory:") {
    return absl::InvalidArgumentError(
        "a SQLite pool needs a file: with \":memory:\" each connection would have a database of "
        "its own");
  }
  std::vector<std::unique_ptr<SqliteDatabase>> connections;
  for (int i = 0; i < options.threads; ++i) {
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database =
        SqliteDatabase::Open(options.database);
    if (!database.ok()) return database.status();
    connections.push_back(*std::move(database));
  }
  return std::unique_ptr<SqlitePool>(new SqlitePool(options, std::move(connections)));
}

SqlitePool::SqlitePool(const SqlitePoolOptions& options,
                       std::vector<std::unique_ptr<SqliteDatabase>> connections)
    : database_name_(std::filesystem::path(options.database.path).filename()),
      free_(std::move(connections)),
      threads_({.name = options.name,
                .threads = options.threads,
                .queue = options.queue,
                .clock = options.clock}) {}

SqlitePool::Loan::Loan(SqlitePool& pool, DatabaseUse& use) : pool_(pool) {
  {
    absl::MutexLock lock(&pool_.mutex_);
    database_ = std::move(pool_.free_.back());
    pool_.free_.pop_back();
  }
  use.ConnectionAcquired();
  if (use.recorded()) database_->TellQueries(&use);
}

SqlitePool::Loan::~Loan() {
  database_->TellQueries(nullptr);
  database_->RollBack();
  absl::MutexLock lock(&pool_.mutex_);
  pool_.free_.push_back(std::move(database_));
}

}  // namespace weft::data
