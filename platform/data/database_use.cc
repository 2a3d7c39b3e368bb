#include "platform/data/database_use.h"

#include "absl/strings/str_cat.h"
#include "platform/base/clock.h"
#include "platform/base/cut_text.h"
#include "platform/base/utf8.h"
#include "platform/data/query_text.h"
#include "platform/observability/tracing/database_span.h"
#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::data {

DatabaseUse::DatabaseUse(const char* system, const char* operation, const std::string& database)
    : noted_(system, operation, database), start_nanos_(Clock::Real().MonotonicNanos()) {
  if (!observability::CurrentTraceIds().sampled()) return;
  const observability::TracerPtr tracer = observability::Tracing::Tracer();
  span_ = observability::StartDatabaseSpan(*tracer, system, operation, database);
  if (!span_->IsRecording()) span_ = nullptr;
}

DatabaseUse::~DatabaseUse() {
  if (!ended_) End(absl::UnknownError("given up"));
}

void DatabaseUse::ConnectionAcquired() {
  waited_nanos_ = Clock::Real().MonotonicNanos() - start_nanos_;
  if (span_ != nullptr) span_->AddEvent(observability::kConnectionAcquired);
}

void DatabaseUse::AddQuery(absl::string_view sql) {
  if (span_ == nullptr || queries_.size() > kMaxQueryTextBytes) return;
  absl::StrAppend(&queries_, queries_.empty() ? "" : "; ", QueryText(sql));
}

void DatabaseUse::End(const absl::Status& status) {
  ended_ = true;
  noted_.End(status, absl::Nanoseconds(waited_nanos_));
  if (span_ == nullptr) return;
  if (!queries_.empty()) {
    span_->SetAttribute("db.query.text", ValidUtf8(ShortenedText(queries_, kMaxQueryTextBytes)));
  }
  observability::SetDatabaseStatus(*span_, status);
  span_->End();
}

}  // namespace weft::data
