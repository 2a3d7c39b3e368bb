#include "platform/observability/tracing/database_span.h"

#include "platform/base/utf8.h"
#include "platform/observability/tracing/rpc_attributes.h"

namespace weft::observability {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

nostd::shared_ptr<trace::Span> StartDatabaseSpan(trace::Tracer& tracer, absl::string_view system,
                                                 absl::string_view operation,
                                                 absl::string_view database,
                                                 trace::StartSpanOptions options) {
  options.kind = trace::SpanKind::kClient;
  return tracer.StartSpan(ToOtel(operation),
                          {{"db.system.name", ToOtel(system)},
                           {"db.namespace", ToOtel(database)},
                           {"db.query.summary", ToOtel(operation)}},
                          options);
}

void SetDatabaseStatus(trace::Span& span, const absl::Status& status) {
  if (status.ok()) return;
  span.SetAttribute("error.type", absl::StatusCodeToString(status.code()));
  span.SetStatus(trace::StatusCode::kError, ValidUtf8(status.message()));
}

}  // namespace weft::observability
