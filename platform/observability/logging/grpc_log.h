// Sends what gRPC itself logs through Log(), as module "grpc".
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_GRPC_LOG_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_GRPC_LOG_H_

namespace weft::observability {

// For the rest of the process; idempotent. How much gRPC says stays with its own setting, the
// environment variable GRPC_VERBOSITY (errors only, unless set).
void RouteGrpcLog();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_GRPC_LOG_H_
