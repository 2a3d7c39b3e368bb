// Server reflection (grpc.reflection), served on fibers: what grpcurl and its like ask to call a
// server whose .proto files they do not have.
//
// The protocol exists under two names with the same messages: clients made before 2023 know
// v1alpha only, newer ones ask for v1 first and fall back. Serve both:
//
//   std::vector<weft::rpc::Service*> services = {&catalog, &health};
//   weft::rpc::Reflection reflection(services);
//   for (weft::rpc::Service* s : reflection.services()) services.push_back(s);
//
// It answers from the .proto files that are linked into the process, whether a service serves them
// or not; a request that cannot be answered gets an error_response, and the stream goes on. What
// it tells is no secret to whoever has the binary, but it does describe every method to whoever
// reaches the port: leave it out of servers that strangers reach.
#ifndef WEFT_PLATFORM_RPC_REFLECTION_REFLECTION_SERVICE_H_
#define WEFT_PLATFORM_RPC_REFLECTION_REFLECTION_SERVICE_H_

#include <memory>
#include <vector>

#include "platform/rpc/reflection/schema.h"
#include "platform/rpc/server/service.h"

namespace weft::rpc {

// Both versions of the service. Outlives the server.
class Reflection {
 public:
  // Lists `served` and itself. The services need not outlive this.
  explicit Reflection(std::vector<Service*> served);
  // Answers from a pool other than the linked-in files; `pool` outlives this.
  Reflection(std::vector<Service*> served, const google::protobuf::DescriptorPool* pool);
  ~Reflection();

  // To be given to Server::Start: grpc.reflection.v1alpha.ServerReflection and
  // grpc.reflection.v1.ServerReflection.
  std::vector<Service*> services() const;

 private:
  std::unique_ptr<Service> v1alpha_;
  std::unique_ptr<Service> v1_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_REFLECTION_REFLECTION_SERVICE_H_
