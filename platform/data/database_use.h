// DatabaseUse: one operation in a database, told to those who look at the call that does it: as a
// span, where the trace is recorded, and in the call's timeline (/debug/calls, late spans). For
// drivers.
//
//   DatabaseUse use("sqlite", "find product", path);
//   …a connection is there: use.ConnectionAcquired(); a statement is sent: use.AddQuery(sql);
//   use.End(status);
//
// Where neither is wanted it costs a look at two FiberLocals.
#ifndef WEFT_PLATFORM_DATA_DATABASE_USE_H_
#define WEFT_PLATFORM_DATA_DATABASE_USE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opentelemetry/nostd/shared_ptr.h"
#include "opentelemetry/trace/span.h"
#include "platform/observability/calls/call_recorder.h"

namespace weft::data {

// Of the queries of one operation together; the rest is cut off.
inline constexpr size_t kMaxQueryTextBytes = 1024;

class DatabaseUse {
 public:
  // `system` as OpenTelemetry names it, and `operation`, have static storage. On a fiber, as is the
  // end.
  DatabaseUse(const char* system, const char* operation, const std::string& database);
  // Ends it as one that was given up, if that was not said.
  ~DatabaseUse();
  DatabaseUse(const DatabaseUse&) = delete;
  DatabaseUse& operator=(const DatabaseUse&) = delete;

  // Whether AddQuery() is of use.
  bool recorded() const { return span_ != nullptr; }
  // The wait for a connection is over. Any thread, as the next; before the end.
  void ConnectionAcquired();
  // The text of a statement, without its values (query_text.h). One thread at a time.
  void AddQuery(absl::string_view sql);

  // Once.
  void End(const absl::Status& status);
  template <typename T>
  void End(const absl::StatusOr<T>& result) {
    End(result.status());
  }

 private:
  observability::NotedOperation noted_;
  opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> span_;  // null: not recorded
  std::string queries_;
  const int64_t start_nanos_;
  int64_t waited_nanos_ = 0;
  bool ended_ = false;
};

}  // namespace weft::data

#endif  // WEFT_PLATFORM_DATA_DATABASE_USE_H_
