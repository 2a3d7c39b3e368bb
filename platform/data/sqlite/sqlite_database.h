// SqliteDatabase and SqliteStatement: SQLite's C interface with owners and absl::Status.
//
// EVERY CALL BLOCKS THE THREAD, on the disk and on other connections' locks: never call them on a
// fiber. Fibers go through a SqlitePool (sqlite_pool.h), which calls them on threads of its own.
//
//   absl::StatusOr<std::unique_ptr<SqliteDatabase>> db = SqliteDatabase::Open({.path = "shop.db"});
//   if (!db.ok()) return db.status();
//   absl::StatusOr<SqliteStatement> find =
//       (*db)->Prepare("SELECT name, price FROM product WHERE sku = ?");
//   if (!find.ok()) return find.status();
//   if (absl::Status s = find->Bind(sku); !s.ok()) return s;
//   absl::StatusOr<bool> row = find->Step();
//   if (!row.ok()) return row.status();
//   if (!*row) return absl::NotFoundError(sku);
//   return Product{std::string(find->Text(0)), find->Int(1)};
//
// Threading: one connection and its statements belong to one thread at a time. Errors: those of
// sqlite_status.h everywhere.
#ifndef WEFT_PLATFORM_DATA_SQLITE_SQLITE_DATABASE_H_
#define WEFT_PLATFORM_DATA_SQLITE_SQLITE_DATABASE_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weft::data {

class DatabaseUse;

class SqliteDatabase;

// Statements kept compiled by a connection, by their text.
inline constexpr size_t kMaxCachedSqliteStatements = 64;

enum class SqliteMode { kReadOnly, kReadWrite, kReadWriteCreate };

struct SqliteOptions {
  std::string path = "";  // a file, or ":memory:" for one that lives as long as the connection
  SqliteMode mode = SqliteMode::kReadWriteCreate;
  // How long a call waits for another connection's lock before it fails with UNAVAILABLE.
  absl::Duration busy_timeout = absl::Seconds(1);
  // Write-ahead log: readers and the one writer do not wait for one another. Wants a local disk;
  // two more files stand beside the database (https://www.sqlite.org/wal.html). A commit survives
  // the end of the process; the last ones before a power cut may be lost (synchronous = NORMAL).
  bool write_ahead_log = true;
};

// Bytes that are no text, for Bind().
struct SqliteBlob {
  absl::string_view bytes;
};

// A compiled statement on loan from its connection, which keeps it for the next Prepare() of the
// same text. Outlived by the connection.
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  // Starts over with these values for the parameters, in their order: integers, bool, double, text
  // (copied), SqliteBlob (copied), nullptr for NULL. INVALID_ARGUMENT when their number is not the
  // statement's.
  template <typename... Values>
  absl::Status Bind(const Values&... values) {
    absl::Status status = StartBinding(sizeof...(values));
    int index = 0;
    ((status = status.ok() ? BindValue(++index, values) : status), ...);
    return status;
  }

  // Executes up to the next row: true with a row, false at the end. After the end or an error, the
  // next Step() begins again.
  absl::StatusOr<bool> Step();
  // For statements without rows to read: executes to the end, and starts over.
  absl::Status Run();

  // Of the current row, the leftmost column being 0; SQLite converts where the stored type is
  // another one. Views are valid until the next Step(), Run(), Bind() or read of the same column.
  bool IsNull(int column) const;
  int64_t Int(int column) const;
  double Double(int column) const;
  absl::string_view Text(int column) const;
  absl::string_view Blob(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(SqliteDatabase* database, sqlite3_stmt* handle)
      : database_(database), handle_(handle) {}
  absl::Status StartBinding(size_t count);
  absl::Status BindInt(int index, int64_t value);
  absl::Status BindDouble(int index, double value);
  absl::Status BindText(int index, absl::string_view value);
  absl::Status BindBlob(int index, absl::string_view value);
  absl::Status BindNull(int index);
  template <typename Value>
  absl::Status BindValue(int index, const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
      return BindInt(index, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      return BindDouble(index, static_cast<double>(value));
    } else if constexpr (std::is_same_v<Value, std::nullptr_t>) {
      return BindNull(index);
    } else if constexpr (std::is_same_v<Value, SqliteBlob>) {
      return BindBlob(index, value.bytes);
    } else {
      return BindText(index, value);
    }
  }
  absl::Status ToStatus(int code) const;

  SqliteDatabase* database_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;  // null after a move
};

class SqliteDatabase {
 public:
  // Opens, or with kReadWriteCreate makes, the file, and reads its header: a file that is no
  // database fails here.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const SqliteOptions& options);
  // Rolls back a transaction that is open. Requires: its statements are gone.
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // From now on tells `use`, which outlives that, the text of each statement; null: nobody.
  void TellQueries(DatabaseUse* use) { use_ = use; }

  // Compiles one statement, or takes it from the cache.
  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);

  // Executes statements set off by semicolons, without parameters and results: schemas, PRAGMAs.
  absl::Status Execute(const std::string& sql);

  // BEGIN IMMEDIATE (so that it cannot fail for a lock half way), `function`, COMMIT. A failure of
  // either rolls back and is returned. Transactions do not nest.
  absl::Status Transaction(absl::FunctionRef<absl::Status()> function);

  // Rolls back what `Execute("BEGIN")` left open; no-op without a transaction.
  void RollBack();

  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t changes() const;
  int64_t last_insert_rowid() const;
  const std::string& path() const { return path_; }

 private:
  friend class SqliteStatement;
  SqliteDatabase(std::string path, sqlite3* handle);
  absl::Status Configure(const SqliteOptions& options);
  absl::Status ToStatus(int code) const;
  void GiveBack(sqlite3_stmt* statement);

  const std::string path_;
  sqlite3* const handle_;
  std::map<std::string, sqlite3_stmt*, std::less<>> cache_;  // those not on loan
  DatabaseUse* use_ = nullptr;
};

}  // namespace weft::data

#endif  // WEFT_PLATFORM_DATA_SQLITE_SQLITE_DATABASE_H_
