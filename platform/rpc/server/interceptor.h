// ServerInterceptor: code round every handler, on the handler's fiber.
//
// Contract: Intercept() is called once a call, of any kind of method, before the handler. It either
// calls `next` exactly once and returns its status or another one, or returns a status without
// calling `next`, which answers the call without the handler. It may park. It must not throw, and
// must be safe to use by all shards at once. Its stage says where it stands among the others
// (rpc/interceptor_stage.h).
//
//   class Timing final : public weft::rpc::ServerInterceptor {
//     absl::Status Intercept(weft::CallContext& call, Next next) override {
//       const absl::Time start = weft::Now();
//       absl::Status status = next();
//       Record(call.method().name(), weft::Now() - start, status.code());
//       return status;
//     }
//   };
#ifndef WEFT_PLATFORM_RPC_SERVER_INTERCEPTOR_H_
#define WEFT_PLATFORM_RPC_SERVER_INTERCEPTOR_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "platform/rpc/interceptor_stage.h"
#include "platform/rpc/server/call_context.h"

namespace weft::rpc {

class ServerInterceptor {
 public:
  using Next = absl::FunctionRef<absl::Status()>;

  virtual ~ServerInterceptor() = default;
  virtual InterceptorStage stage() const { return InterceptorStage::kUser; }
  virtual absl::Status Intercept(CallContext& call, Next next) = 0;
  // Whether it refuses calls whose caller lacks a scope that the method requires. Server::Start
  // wants one that does where a method has such scopes.
  virtual bool enforces_required_scopes() const { return false; }
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_INTERCEPTOR_H_
