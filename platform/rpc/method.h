// The name, shape and options of one RPC method, as protoc-gen-weft emits them.
#ifndef WEFT_PLATFORM_RPC_METHOD_H_
#define WEFT_PLATFORM_RPC_METHOD_H_

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weft::rpc {

enum class MethodKind { kUnary, kServerStreaming, kClientStreaming, kBidirectional };

// `option idempotency_level` of the method.
enum class Idempotency { kUnknown, kNoSideEffects, kIdempotent };

// What is turned away first under overload. In ascending order.
enum class Criticality { kSheddable, kSheddablePlus, kCritical, kCriticalPlus };

enum class Retry { kIfIdempotent, kNever, kHedge };

// `option (weft.method)` of proto/weft/options.proto, where each is explained.
struct MethodOptions {
  Idempotency idempotency = Idempotency::kUnknown;
  absl::Duration default_timeout = absl::InfiniteDuration();
  Criticality criticality = Criticality::kCritical;
  Retry retry = Retry::kIfIdempotent;
  // Separated by one space each, as a token's claim `scope` has them; empty: none.
  absl::string_view required_scopes = "";
  bool is_public = false;

  // Whether a second call does no more than the first one did.
  constexpr bool idempotent() const { return idempotency != Idempotency::kUnknown; }
};

// Static storage: generated code holds one constexpr object per method, and both sides keep
// pointers to it.
struct MethodDescriptor {
  const char* path;  // "/catalog.v1.Catalog/GetProduct", as on the wire
  MethodKind kind;
  MethodOptions options = {};

  // "catalog.v1.Catalog/GetProduct": the form used in metrics, spans, logs and dumps.
  constexpr const char* name() const { return path + 1; }
  // Of health, reflection and the like: what infrastructure calls.
  bool of_grpc() const { return absl::StartsWith(name(), "grpc."); }
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_METHOD_H_
