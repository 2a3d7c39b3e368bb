// Who the other side of a call is, as its certificate says.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_PEER_IDENTITY_H_
#define WEFT_PLATFORM_RPC_INTERNAL_PEER_IDENTITY_H_

#include <grpc/grpc.h>

#include <string>
#include <vector>

namespace weft::rpc::internal {

// Empty where the peer did not prove an identity.
std::vector<std::string> PeerIdentities(grpc_call* call);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_PEER_IDENTITY_H_
