#include "platform/observability/tracing/client_spans.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "opentelemetry/trace/context.h"
#include "opentelemetry/trace/span_context.h"
#include "opentelemetry/trace/span_startoptions.h"
#include "platform/observability/tracing/baggage.h"
#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/rpc_attributes.h"

namespace weft::observability {
namespace {

namespace context = opentelemetry::context;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

constexpr char kTraceparent[] = "traceparent";
constexpr char kTracestate[] = "tracestate";

class Tracker final : public rpc::ClientCallTracker {
 public:
  explicit Tracker(nostd::shared_ptr<trace::Span> span) : span_(std::move(span)) {}
  void End(const rpc::EndedCall& ended) override {
    SetStatus(*span_, ended.status, !ended.status.ok());
    span_->End();
  }

 private:
  const nostd::shared_ptr<trace::Span> span_;
};

bool Has(const rpc::Metadata& metadata, absl::string_view wanted) {
  for (const auto& [key, value] : metadata.entries()) {
    if (key == wanted) return true;
  }
  return false;
}

void InjectBaggage(rpc::Metadata& metadata) {
  const std::string header = BaggageHeader();
  if (!header.empty() && !Has(metadata, kBaggageKey)) metadata.Add(kBaggageKey, header);
}

void Inject(const TraceIds& ids, const Tracestate& tracestate, rpc::Metadata& metadata) {
  const Traceparent header = FormatTraceparent(ids);
  metadata.Add(kTraceparent, absl::string_view(header.data(), header.size()));
  if (tracestate != nullptr) metadata.Add(kTracestate, *tracestate);
}

// The span that the calls are made in says that there was more than one attempt.
void TellParent(const rpc::OutgoingCall& call) {
  if (call.attempt == 1 && !call.hedge) return;
  trace::GetSpan(CurrentContext())
      ->AddEvent(call.hedge ? "weft.hedge" : "weft.retry",
                 {{"rpc.method", call.method.name()}, {"previous-rpc-attempts", call.attempt - 1}});
}

}  // namespace

std::unique_ptr<rpc::ClientCallTracker> TracingClientInterceptor::Start(rpc::OutgoingCall& call) {
  InjectBaggage(call.metadata);
  if (Has(call.metadata, kTraceparent)) return nullptr;
  TraceIds ids = CurrentTraceIds();
  const bool is_root = !ids.valid();
  if (is_root) ids = BeginTrace(threshold_);
  const Tracestate tracestate = is_root ? nullptr : CurrentTracestate();
  if (!ids.sampled() || tracer_ == nullptr) {
    Inject(ids, tracestate, call.metadata);
    return nullptr;
  }

  const auto [service, method] = SplitMethod(call.method.name());
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kClient;
  options.parent = is_root ? context::Context(trace::kIsRootSpanKey, true) : CurrentContext();
  nostd::shared_ptr<trace::Span> span;
  {
    ScopedPendingSpan pending({.trace_id = &ids.trace_id});
    span = tracer_->StartSpan(
        call.method.name(),
        {{"rpc.system", "grpc"}, {"rpc.service", ToOtel(service)}, {"rpc.method", ToOtel(method)}},
        options);
  }
  SetAddress(*span, "server.address", "server.port", ParseAddress(call.target));
  SetAttempt(*span, call.attempt, call.hedge);
  if (!is_root) TellParent(call);
  Inject(ToTraceIds(span->GetContext()), tracestate, call.metadata);
  return std::make_unique<Tracker>(std::move(span));
}

}  // namespace weft::observability
