#include "platform/data/sqlite/sqlite_status.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft::data {
namespace {

absl::Status CannotOpen(int error, const std::string& path, const std::string& words) {
  const std::string text = absl::StrCat("cannot open the database ", path, ": ", words);
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(
          absl::StrCat(text, "; create its folder, or configure another path"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(
          absl::StrCat(text, "; let this process' user read and write the file and its folder"));
    default:
      return absl::FailedPreconditionError(
          absl::StrCat(text, "; is it a file, in a folder that this process may write?"));
  }
}

absl::Status DiskFull(const std::string& text) {
  return absl::ResourceExhaustedError(
      absl::StrCat("disk full: ", text,
                   "; free space on its disk (or on that of temporary files), then try again"));
}

// Opening a write-ahead log makes a file of shared memory (https://www.sqlite.org/walformat.html,
// "The WAL-Index File"). For want of room that is no SQLITE_FULL, as other writes are.
bool IsWantOfRoom(int extended, int error) {
  return extended == SQLITE_IOERR_SHMSIZE && (error == ENOSPC || error == EDQUOT);
}

absl::Status ConstraintViolated(int extended, const std::string& text) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::AlreadyExistsError(text);
    default:
      return absl::FailedPreconditionError(text);
  }
}

}  // namespace

absl::Status SqliteStatus(sqlite3* handle, int code, const std::string& path) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return absl::OkStatus();
  const int error = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  std::string words = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
  if (error != 0) absl::StrAppend(&words, " (", std::strerror(error), ")");
  const std::string text = absl::StrCat("database ", path, ": ", words);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return DiskFull(text);
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(
          absl::StrCat(text, ": another connection is writing; try again"));
    case SQLITE_IOERR:
      return IsWantOfRoom(code, error) ? DiskFull(text) : absl::UnavailableError(text);
    case SQLITE_CORRUPT:
      return absl::DataLossError(
          absl::StrCat(text, "; move the file away and restore it from a backup"));
    case SQLITE_NOTADB:
      return absl::DataLossError(
          absl::StrCat(text, "; configure another path, or move the file away"));
    case SQLITE_CANTOPEN:
      return CannotOpen(error, path, words);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(
          absl::StrCat(text, "; let this process' user write the file and its folder"));
    case SQLITE_CONSTRAINT:
      return ConstraintViolated(code, text);
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return absl::InvalidArgumentError(text);
    case SQLITE_INTERRUPT:
      return absl::CancelledError(text);
    default:
      return absl::InternalError(absl::StrCat(text, " [SQLite result ", code, "]"));
  }
}

}  // namespace weft::data
