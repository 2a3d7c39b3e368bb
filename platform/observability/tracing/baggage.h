// Baggage: what a caller wants known in all that its request reaches, such as a tenant. W3C's
// header `baggage` (https://www.w3.org/TR/baggage/) is handed on with the fiber's context: from a
// call to its handler, to the fibers it spawns, and to the calls these make; recorded or not. Read
// and set through OpenTelemetry:
//
//   namespace otel = opentelemetry;
//   std::string tenant;
//   otel::baggage::GetBaggage(otel::context::RuntimeContext::GetCurrent())
//       ->GetValue("tenant", tenant);
//
// It is sent to everybody who is called, so nothing that is secret belongs there; and it comes from
// whoever calls, so nothing may be granted by it.
//
// A call without baggage costs nothing. Entries that do not follow the rules are dropped, of a
// header beyond OpenTelemetry's 8,192 bytes all; of more than 180 entries the last ones.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_BAGGAGE_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_BAGGAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "opentelemetry/context/context.h"

namespace weft::observability {

inline constexpr char kBaggageKey[] = "baggage";

// `context` with the baggage of a header.
opentelemetry::context::Context WithBaggage(opentelemetry::context::Context context,
                                            absl::string_view header);

// The header for calls made by this fiber; empty without baggage.
std::string BaggageHeader();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_BAGGAGE_H_
