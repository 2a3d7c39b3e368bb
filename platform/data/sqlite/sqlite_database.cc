#include "platform/data/sqlite/sqlite_database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/data/database_use.h"
#include "platform/data/sqlite/sqlite_status.h"

namespace weft::data {
namespace {

int OpenFlags(SqliteMode mode) {
  // No mutex of SQLite's own: a connection is used by one thread at a time.
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case SqliteMode::kReadOnly:
      return kCommon | SQLITE_OPEN_READONLY;
    case SqliteMode::kReadWrite:
      return kCommon | SQLITE_OPEN_READWRITE;
    default:
      return kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
}

}  // namespace

// SqliteStatement

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}

SqliteStatement::~SqliteStatement() {
  if (handle_ != nullptr) database_->GiveBack(handle_);
}

absl::Status SqliteStatement::ToStatus(int code) const { return database_->ToStatus(code); }

absl::Status SqliteStatement::StartBinding(size_t count) {
  // The result repeats the error of the last Step(), which was reported then.
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  const int wanted = sqlite3_bind_parameter_count(handle_);
  if (static_cast<int>(count) == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(count, " values for the ", wanted, " parameters of: ", sqlite3_sql(handle_)));
}

absl::Status SqliteStatement::BindInt(int index, int64_t value) {
  return ToStatus(sqlite3_bind_int64(handle_, index, value));
}

absl::Status SqliteStatement::BindDouble(int index, double value) {
  return ToStatus(sqlite3_bind_double(handle_, index, value));
}

absl::Status SqliteStatement::BindText(int index, absl::string_view value) {
  // A view of nothing may have no address, which SQLite would take for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  return ToStatus(
      sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

absl::Status SqliteStatement::BindBlob(int index, absl::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  return ToStatus(sqlite3_bind_blob64(handle_, index, data, value.size(), SQLITE_TRANSIENT));
}

absl::Status SqliteStatement::BindNull(int index) {
  return ToStatus(sqlite3_bind_null(handle_, index));
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  absl::Status status = ToStatus(code);  // before the reset, which may change the text
  sqlite3_reset(handle_);
  if (!status.ok()) return status;
  return false;
}

absl::Status SqliteStatement::Run() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(handle_, column); }

double SqliteStatement::Double(int column) const { return sqlite3_column_double(handle_, column); }

absl::string_view SqliteStatement::Text(int column) const {
  // In this order: sqlite3_column_bytes counts what the conversion made.
  const unsigned char* text = sqlite3_column_text(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return absl::string_view(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
}

absl::string_view SqliteStatement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return absl::string_view(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

// SqliteDatabase

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const SqliteOptions& options) {
  if (options.path.empty()) {
    return absl::InvalidArgumentError("the database's path is empty; configure one");
  }
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, OpenFlags(options.mode), nullptr);
  if (code != SQLITE_OK) {
    absl::Status status = SqliteStatus(handle, code, options.path);
    sqlite3_close_v2(handle);
    return status;
  }
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(options.path, handle));
  if (absl::Status s = database->Configure(options); !s.ok()) return s;
  return database;
}

SqliteDatabase::SqliteDatabase(std::string path, sqlite3* handle)
    : path_(std::move(path)), handle_(handle) {}

SqliteDatabase::~SqliteDatabase() {
  for (const auto& [sql, statement] : cache_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

absl::Status SqliteDatabase::Configure(const SqliteOptions& options) {
  constexpr absl::Duration kLongest = absl::Hours(24);
  sqlite3_busy_timeout(
      handle_,
      static_cast<int>(absl::ToInt64Milliseconds(std::min(options.busy_timeout, kLongest))));
  // SQLite opens lazily: this reads the header.
  if (absl::Status s = Execute("PRAGMA schema_version"); !s.ok()) return s;
  if (options.write_ahead_log && options.mode != SqliteMode::kReadOnly) {
    if (absl::Status s = Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        !s.ok()) {
      return s;
    }
  }
  // Off by default in SQLite, for the sake of old databases.
  return Execute("PRAGMA foreign_keys = ON");
}

absl::Status SqliteDatabase::ToStatus(int code) const { return SqliteStatus(handle_, code, path_); }

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(absl::string_view sql) {
  if (use_ != nullptr) use_->AddQuery(sql);
  sql = absl::StripAsciiWhitespace(sql);  // SQLite does not keep it, so the cache would miss
  if (const auto cached = cache_.find(sql); cached != cache_.end()) {
    sqlite3_stmt* statement = cached->second;
    cache_.erase(cached);
    return SqliteStatement(this, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (code != SQLITE_OK) {
    const absl::Status status = ToStatus(code);
    return absl::Status(status.code(), absl::StrCat(std::string(status.message()), ", in: ", sql));
  }
  const absl::string_view unread(rest, static_cast<size_t>(sql.data() + sql.size() - rest));
  if (statement == nullptr || !absl::StripAsciiWhitespace(unread).empty()) {
    sqlite3_finalize(statement);
    return absl::InternalError(absl::StrCat("not one SQL statement: ", sql));
  }
  return SqliteStatement(this, statement);
}

void SqliteDatabase::GiveBack(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  // A second loan of the same text, or one too many, is not kept.
  if (cache_.size() >= kMaxCachedSqliteStatements ||
      !cache_.emplace(sqlite3_sql(statement), statement).second) {
    sqlite3_finalize(statement);
  }
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  if (use_ != nullptr) use_->AddQuery(sql);
  return ToStatus(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr));
}

absl::Status SqliteDatabase::Transaction(absl::FunctionRef<absl::Status()> function) {
  if (absl::Status s = Execute("BEGIN IMMEDIATE"); !s.ok()) return s;
  absl::Status status = function();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) RollBack();
  return status;
}

void SqliteDatabase::RollBack() {
  // Some errors (a full disk, for one) have rolled back by themselves already.
  if (sqlite3_get_autocommit(handle_) == 0) {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

int64_t SqliteDatabase::changes() const { return sqlite3_changes64(handle_); }

int64_t SqliteDatabase::last_insert_rowid() const { return sqlite3_last_insert_rowid(handle_); }

}  // namespace weft::data
