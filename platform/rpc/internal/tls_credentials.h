// gRPC's credentials from Weft's options. Requires: Validate(options).ok().
#ifndef WEFT_PLATFORM_RPC_INTERNAL_TLS_CREDENTIALS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_TLS_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "platform/rpc/tls.h"

namespace weft::rpc::internal {

// The caller releases it.
grpc_channel_credentials* MakeTlsChannelCredentials(const TlsChannelOptions& options);

std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(const TlsServerOptions& options);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_TLS_CREDENTIALS_H_
