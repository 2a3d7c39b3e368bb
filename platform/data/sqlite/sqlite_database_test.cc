#include "platform/data/sqlite/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft::data {
namespace {

using testing::HasSubstr;

class SqliteDatabaseTest : public testing::Test {
 protected:
  SqliteDatabaseTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                absl::StrCat("sqlite_",
                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~SqliteDatabaseTest() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ / "shop.db"; }
  std::unique_ptr<SqliteDatabase> Open(SqliteOptions options = {}) {
    if (options.path.empty()) options.path = Path();
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(options);
    if (!database.ok()) ADD_FAILURE() << database.status();
    return database.ok() ? *std::move(database) : nullptr;
  }
  absl::Status OpenError(const SqliteOptions& options) {
    return SqliteDatabase::Open(options).status();
  }
  static void Must(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status; }
  static SqliteStatement MustPrepare(SqliteDatabase& database, const std::string& sql) {
    absl::StatusOr<SqliteStatement> statement = database.Prepare(sql);
    if (!statement.ok()) ADD_FAILURE() << statement.status();
    return *std::move(statement);
  }
  static int64_t Count(SqliteDatabase& database, const std::string& table) {
    SqliteStatement count = MustPrepare(database, "SELECT count(*) FROM " + table);
    EXPECT_TRUE(*count.Step());
    return count.Int(0);
  }

  const std::filesystem::path folder_;
};

TEST_F(SqliteDatabaseTest, EveryTypeIsBoundAndReadBack) {
  const auto database = Open();
  Must(database->Execute("CREATE TABLE t (i, d, s, b, n, e, f)"));
  const std::string bytes("\0\xff\n", 3);
  const std::string text("gr\xc3\xbc\xc3\x9f\0e", 8);
  {
    SqliteStatement insert = MustPrepare(*database, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)");
    Must(insert.Bind(INT64_MIN, 0.25, text, SqliteBlob{bytes}, nullptr, "", true));
    Must(insert.Run());
  }
  EXPECT_EQ(database->changes(), 1);
  EXPECT_EQ(database->last_insert_rowid(), 1);
  SqliteStatement select = MustPrepare(*database, "SELECT * FROM t");
  const absl::StatusOr<bool> row = select.Step();
  ASSERT_TRUE(row.ok() && *row);
  EXPECT_EQ(select.Int(0), INT64_MIN);
  EXPECT_EQ(select.Double(1), 0.25);
  EXPECT_EQ(std::string(select.Text(2)), text);
  EXPECT_EQ(std::string(select.Blob(3)), bytes);
  EXPECT_TRUE(select.IsNull(4));
  EXPECT_EQ(std::string(select.Text(4)), "");
  EXPECT_FALSE(select.IsNull(5));
  EXPECT_EQ(select.Int(6), 1);
  EXPECT_FALSE(*select.Step());
}

TEST_F(SqliteDatabaseTest, StepAfterTheEndBeginsAgain) {
  const auto database = Open();
  SqliteStatement select = MustPrepare(*database, "SELECT 1 UNION ALL SELECT 2");
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(*select.Step());
    EXPECT_EQ(select.Int(0), 1);
    EXPECT_TRUE(*select.Step());
    EXPECT_FALSE(*select.Step());
  }
}

TEST_F(SqliteDatabaseTest, PreparedAgainIsCleanAndTwoLoansOfOneTextAreApart) {
  const auto database = Open();
  const std::string sql = "SELECT ?";
  {
    SqliteStatement first = MustPrepare(*database, sql);
    Must(first.Bind(1));
    EXPECT_TRUE(*first.Step());
    SqliteStatement second = MustPrepare(*database, sql);
    Must(second.Bind(2));
    EXPECT_TRUE(*second.Step());
    EXPECT_EQ(first.Int(0), 1);
    EXPECT_EQ(second.Int(0), 2);
  }
  SqliteStatement cached = MustPrepare(*database, " " + sql + "\n");
  EXPECT_TRUE(*cached.Step());
  EXPECT_TRUE(cached.IsNull(0)) << "a value of the last loan is still bound";
}

TEST_F(SqliteDatabaseTest, MoreStatementsThanTheCacheKeepsStillWork) {
  const auto database = Open();
  for (size_t i = 0; i < 2 * kMaxCachedSqliteStatements; ++i) {
    SqliteStatement select = MustPrepare(*database, absl::StrCat("SELECT ", i));
    EXPECT_TRUE(*select.Step());
    EXPECT_EQ(select.Int(0), static_cast<int64_t>(i));
  }
}

TEST_F(SqliteDatabaseTest, MovedStatementIsUsable) {
  const auto database = Open();
  SqliteStatement a = MustPrepare(*database, "SELECT 1");
  SqliteStatement b = std::move(a);
  SqliteStatement c = MustPrepare(*database, "SELECT 3");
  c = std::move(b);
  EXPECT_TRUE(*c.Step());
  EXPECT_EQ(c.Int(0), 1);
}

TEST_F(SqliteDatabaseTest, WrongNumberOfValuesIsRefused) {
  const auto database = Open();
  SqliteStatement select = MustPrepare(*database, "SELECT ?, ?");
  const absl::Status status = select.Bind(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 values for the 2 parameters"));
}

TEST_F(SqliteDatabaseTest, WrongSqlIsInternalAndShown) {
  const auto database = Open();
  const absl::Status status = database->Prepare("SELECT * FROM nowhere").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such table: nowhere"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("in: SELECT * FROM nowhere"));
  EXPECT_EQ(database->Prepare("").status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(database->Prepare("SELECT 1; SELECT 2").status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(database->Prepare("SELECT 1;").ok());
}

TEST_F(SqliteDatabaseTest, TransactionCommitsOrRollsBack) {
  const auto database = Open();
  Must(database->Execute("CREATE TABLE t (x)"));
  Must(database->Transaction([&] { return database->Execute("INSERT INTO t VALUES (1)"); }));
  EXPECT_EQ(Count(*database, "t"), 1);
  const absl::Status status = database->Transaction([&] {
    Must(database->Execute("INSERT INTO t VALUES (2)"));
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Count(*database, "t"), 1);
  // The next transaction is not disturbed.
  Must(database->Transaction([&] { return database->Execute("INSERT INTO t VALUES (3)"); }));
  EXPECT_EQ(Count(*database, "t"), 2);
}

TEST_F(SqliteDatabaseTest, DataOutlivesTheConnection) {
  {
    const auto database = Open();
    Must(database->Execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)"));
  }
  const auto again = Open({.mode = SqliteMode::kReadOnly});
  EXPECT_EQ(Count(*again, "t"), 1);
  EXPECT_EQ(again->Execute("INSERT INTO t VALUES (2)").code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SqliteDatabaseTest, ConstraintsAreToldApart) {
  const auto database = Open();
  Must(database->Execute("CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL)"));
  Must(database->Execute("INSERT INTO t VALUES (1, 1, 1)"));
  EXPECT_EQ(database->Execute("INSERT INTO t VALUES (1, 2, 1)").code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(database->Execute("INSERT INTO t VALUES (2, 1, 1)").code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(database->Execute("INSERT INTO t VALUES (2, 2, NULL)").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(database->Execute("INSERT INTO t VALUES ('x', 2, 1)").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteDatabaseTest, FullDiskIsResourceExhaustedAndTheDatabaseLivesOn) {
  const auto database = Open({.write_ahead_log = false});
  Must(database->Execute("CREATE TABLE t (x); PRAGMA max_page_count = 10"));
  SqliteStatement insert = MustPrepare(*database, "INSERT INTO t VALUES (zeroblob(4096))");
  absl::Status status;
  int inserted = -1;
  while (status.ok() && inserted < 100) {
    status = insert.Run();
    ++inserted;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("disk full"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(Path()));
  EXPECT_EQ(Count(*database, "t"), inserted);
  // With room again, the next insert succeeds.
  Must(database->Execute("PRAGMA max_page_count = 1000"));
  Must(insert.Run());
}

TEST_F(SqliteDatabaseTest, FullDiskInATransactionRollsItBack) {
  const auto database = Open();
  Must(database->Execute("CREATE TABLE t (x); PRAGMA max_page_count = 10"));
  const absl::Status status = database->Transaction([&] {
    absl::Status s;
    while (s.ok()) s = database->Execute("INSERT INTO t VALUES (zeroblob(4096))");
    return s;
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Count(*database, "t"), 0);
}

TEST_F(SqliteDatabaseTest, WriteLockOfAnotherConnectionIsUnavailable) {
  const auto writer = Open();
  Must(writer->Execute("CREATE TABLE t (x)"));
  const auto other = Open({.busy_timeout = absl::ZeroDuration()});
  Must(writer->Execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)"));
  const absl::Status status = other->Execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another connection is writing"));
  // Readers go on beside the writer, thanks to the write-ahead log.
  EXPECT_EQ(Count(*other, "t"), 0);
  Must(writer->Execute("COMMIT"));
  Must(other->Execute("INSERT INTO t VALUES (2)"));
  EXPECT_EQ(Count(*other, "t"), 2);
}

TEST_F(SqliteDatabaseTest, MissingFolderIsNotFoundWithWhatToDo) {
  const std::string path = folder_ / "no" / "such" / "shop.db";
  const absl::Status status = OpenError({.path = path});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("create its folder"));
}

TEST_F(SqliteDatabaseTest, MissingFileIsNotFoundWhenItMayNotBeMade) {
  EXPECT_EQ(OpenError({.path = Path(), .mode = SqliteMode::kReadWrite}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenError({.path = Path(), .mode = SqliteMode::kReadOnly}).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SqliteDatabaseTest, FolderInPlaceOfTheFileIsFailedPrecondition) {
  const absl::Status status = OpenError({.path = folder_});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.string()));
}

TEST_F(SqliteDatabaseTest, FileThatIsNoDatabaseIsDataLoss) {
  std::ofstream(Path()) << std::string(5000, 'x');
  const absl::Status status = OpenError({.path = Path()});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(Path()));
}

TEST_F(SqliteDatabaseTest, DamagedFileIsDataLoss) {
  {
    const auto database = Open({.write_ahead_log = false});
    Must(database->Execute("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))"));
  }
  {
    std::fstream file(Path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);  // the table's first page
    file << std::string(8192, '\xff');
  }
  const auto database = Open({.write_ahead_log = false});
  SqliteStatement select = MustPrepare(*database, "SELECT length(x) FROM t");
  const absl::Status status = select.Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("restore it from a backup"));
}

TEST_F(SqliteDatabaseTest, EmptyPathIsRefused) {
  EXPECT_EQ(OpenError({}).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::data
