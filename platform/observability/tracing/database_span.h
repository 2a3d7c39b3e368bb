// Spans of what is done in a database, by OpenTelemetry's semantic conventions for database client
// spans: kind CLIENT, named by the operation, with db.system.name, db.namespace and
// db.query.summary; error.type where it failed. For drivers: data/database_use.h.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_DATABASE_SPAN_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_DATABASE_SPAN_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opentelemetry/nostd/shared_ptr.h"
#include "opentelemetry/trace/span.h"
#include "opentelemetry/trace/span_startoptions.h"
#include "opentelemetry/trace/tracer.h"

namespace weft::observability {

// `system` as the conventions name it ("sqlite", "postgresql"); `operation` in few variants, since
// it names the span ("find product"); `database` by its name, or its file's.
opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> StartDatabaseSpan(
    opentelemetry::trace::Tracer& tracer, absl::string_view system, absl::string_view operation,
    absl::string_view database, opentelemetry::trace::StartSpanOptions options = {});

// An event: until then the operation waited for a connection.
inline constexpr char kConnectionAcquired[] = "connection acquired";

// Of an operation that has ended: nothing where it was OK.
void SetDatabaseStatus(opentelemetry::trace::Span& span, const absl::Status& status);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_DATABASE_SPAN_H_
