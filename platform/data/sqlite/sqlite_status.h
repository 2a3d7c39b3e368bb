// The one place that turns SQLite's result codes into absl::Status.
//
//   RESOURCE_EXHAUSTED   SQLITE_FULL, and SQLITE_IOERR for lack of room: the disk of the file or of
//                        a query's temporary files, or a quota, is full; SQLITE_NOMEM
//   UNAVAILABLE          SQLITE_BUSY, SQLITE_LOCKED (another connection holds the lock),
//                        SQLITE_IOERR otherwise: trying again may help
//   DATA_LOSS            SQLITE_CORRUPT, SQLITE_NOTADB
//   NOT_FOUND            SQLITE_CANTOPEN for a file or folder that does not exist
//   PERMISSION_DENIED    SQLITE_CANTOPEN for lack of rights, SQLITE_READONLY, SQLITE_PERM
//   FAILED_PRECONDITION  SQLITE_CANTOPEN otherwise; a violated constraint other than uniqueness
//   ALREADY_EXISTS       a violated UNIQUE or PRIMARY KEY constraint
//   INVALID_ARGUMENT     SQLITE_TOOBIG, SQLITE_MISMATCH: a value that does not fit
//   CANCELLED            SQLITE_INTERRUPT
//   INTERNAL             everything else: wrong SQL, misuse of the interface
//
// Source of the codes: https://www.sqlite.org/rescode.html
#ifndef WEFT_PLATFORM_DATA_SQLITE_SQLITE_STATUS_H_
#define WEFT_PLATFORM_DATA_SQLITE_SQLITE_STATUS_H_

#include <string>

#include "absl/status/status.h"

struct sqlite3;

namespace weft::data {

// The error of the last call on `handle`, which returned `code` (extended or not) while working on
// the database `path`. `handle` may be null: SQLite had no memory for one.
absl::Status SqliteStatus(sqlite3* handle, int code, const std::string& path);

}  // namespace weft::data

#endif  // WEFT_PLATFORM_DATA_SQLITE_SQLITE_STATUS_H_
