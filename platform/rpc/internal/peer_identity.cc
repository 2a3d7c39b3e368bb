#include "platform/rpc/internal/peer_identity.h"

#include <grpc/grpc_security.h>

#include <memory>

namespace weft::rpc::internal {
namespace {

struct Release {
  void operator()(grpc_auth_context* context) const { grpc_auth_context_release(context); }
};

}  // namespace

std::vector<std::string> PeerIdentities(grpc_call* call) {
  std::vector<std::string> identities;
  const std::unique_ptr<grpc_auth_context, Release> context(grpc_call_auth_context(call));
  if (context == nullptr || grpc_auth_context_peer_is_authenticated(context.get()) == 0) {
    return identities;
  }
  grpc_auth_property_iterator names = grpc_auth_context_peer_identity(context.get());
  while (const grpc_auth_property* const name = grpc_auth_property_iterator_next(&names)) {
    identities.emplace_back(name->value, name->value_length);
  }
  return identities;
}

}  // namespace weft::rpc::internal
