#include "platform/observability/tracing/baggage.h"

#include "opentelemetry/baggage/baggage.h"
#include "opentelemetry/baggage/baggage_context.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {

opentelemetry::context::Context WithBaggage(opentelemetry::context::Context context,
                                            absl::string_view header) {
  return opentelemetry::baggage::SetBaggage(
      context, opentelemetry::baggage::Baggage::FromHeader({header.data(), header.size()}));
}

std::string BaggageHeader() {
  const opentelemetry::context::Context* const context = CurrentContextIfMade();
  if (context == nullptr || !context->HasKey(kBaggageKey)) return "";
  return opentelemetry::baggage::GetBaggage(*context)->ToHeader();
}

}  // namespace weft::observability
