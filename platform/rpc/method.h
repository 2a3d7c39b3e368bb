// The name and shape of one RPC method, as protoc-gen-weft emits it.
#ifndef WEFT_PLATFORM_RPC_METHOD_H_
#define WEFT_PLATFORM_RPC_METHOD_H_

#include "absl/strings/string_view.h"

namespace weft::rpc {

enum class MethodKind { kUnary, kServerStreaming, kClientStreaming, kBidirectional };

// Static storage: generated code holds one constexpr object per method, and both sides keep
// pointers to it.
struct MethodDescriptor {
  const char* path;  // "/catalog.v1.Catalog/GetProduct", as on the wire
  MethodKind kind;

  // "catalog.v1.Catalog/GetProduct": the form used in metrics, spans, logs and dumps.
  constexpr const char* name() const { return path + 1; }
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_METHOD_H_
