#include "platform/rpc/codegen/method_shape.h"

#include "google/protobuf/descriptor.pb.h"
#include "platform/rpc/codegen/names.h"

namespace weft::rpc::codegen {
namespace {

const char* KindName(bool client_streams, bool server_streams) {
  if (client_streams) return server_streams ? "Bidirectional" : "ClientStreaming";
  return server_streams ? "ServerStreaming" : "Unary";
}

template <typename Descriptor>
bool WriteCommentOf(CodeWriter& out, const Descriptor& descriptor) {
  google::protobuf::SourceLocation location;
  bool written = false;
  if (descriptor.GetSourceLocation(&location)) {
    for (const std::string* text : {&location.leading_comments, &location.trailing_comments}) {
      if (text->empty()) continue;
      out.Comment(*text);
      written = true;
    }
  }
  if (descriptor.options().deprecated()) {
    out.Comment(" Deprecated.");
    written = true;
  }
  return written;
}

}  // namespace

MethodShape::MethodShape(const google::protobuf::MethodDescriptor& method)
    : client_streams(method.client_streaming()),
      server_streams(method.server_streaming()),
      kind(KindName(client_streams, server_streams)),
      request(MessageType(*method.input_type(), *method.service())),
      reply(MessageType(*method.output_type(), *method.service())) {}

bool WriteComment(CodeWriter& out, const google::protobuf::ServiceDescriptor& service) {
  return WriteCommentOf(out, service);
}

bool WriteComment(CodeWriter& out, const google::protobuf::MethodDescriptor& method) {
  return WriteCommentOf(out, method);
}

}  // namespace weft::rpc::codegen
