// Service: a set of methods and their handlers. Generated handler classes derive from it; see
// codegen/README.md for what protoc-gen-weft makes of a service.
#ifndef WEFT_PLATFORM_RPC_SERVER_SERVICE_H_
#define WEFT_PLATFORM_RPC_SERVER_SERVICE_H_

#include <vector>

#include "absl/status/status.h"
#include "platform/rpc/method.h"

namespace weft::rpc {

class ServerCall;

class Service {
 public:
  // Serves one call of the method on the call's fiber: reads what it needs from `call`, runs the
  // handler, leaves the reply in `call`. See handler.h for the four kinds.
  using Handler = absl::Status (*)(Service& service, ServerCall& call);
  struct Method {
    const MethodDescriptor* descriptor;
    Handler handler;
  };

  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const std::vector<Method>& methods() const { return methods_; }

 protected:
  Service() = default;
  void AddMethod(const MethodDescriptor& descriptor, Handler handler) {
    methods_.push_back({&descriptor, handler});
  }

 private:
  std::vector<Method> methods_;
};

// UNIMPLEMENTED naming the method: what a generated handler answers until it is overridden.
absl::Status UnimplementedMethod(const MethodDescriptor& method);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_SERVICE_H_
