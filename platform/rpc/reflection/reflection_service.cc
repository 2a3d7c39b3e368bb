#include "platform/rpc/reflection/reflection_service.h"

#include <string>
#include <utility>

#include "grpc/reflection/v1/reflection.weft.h"
#include "grpc/reflection/v1alpha/reflection.weft.h"

namespace weft::rpc {
namespace {

namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;

// The messages of the two versions are alike in all but their package.
template <typename Response>
void SetError(const absl::Status& status, Response& response) {
  response.mutable_error_response()->set_error_code(static_cast<int>(status.code()));
  response.mutable_error_response()->set_error_message(std::string(status.message()));
}

template <typename Response>
void SetFiles(absl::StatusOr<Schema::Files> files, Response& response) {
  if (!files.ok()) return SetError(files.status(), response);
  for (std::string& file : *files) {
    response.mutable_file_descriptor_response()->add_file_descriptor_proto(std::move(file));
  }
}

template <typename Response>
void SetNumbers(const std::string& type, const absl::StatusOr<std::vector<int>>& numbers,
                Response& response) {
  if (!numbers.ok()) return SetError(numbers.status(), response);
  auto& answer = *response.mutable_all_extension_numbers_response();
  answer.set_base_type_name(type);
  for (const int number : *numbers) answer.add_extension_number(number);
}

template <typename Response, typename Request>
Response Answer(const Schema& schema, const Request& request) {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      SetFiles(schema.FileByName(request.file_by_filename()), response);
      break;
    case Request::kFileContainingSymbol:
      SetFiles(schema.FileContainingSymbol(request.file_containing_symbol()), response);
      break;
    case Request::kFileContainingExtension:
      SetFiles(
          schema.FileContainingExtension(request.file_containing_extension().containing_type(),
                                         request.file_containing_extension().extension_number()),
          response);
      break;
    case Request::kAllExtensionNumbersOfType:
      SetNumbers(request.all_extension_numbers_of_type(),
                 schema.ExtensionNumbers(request.all_extension_numbers_of_type()), response);
      break;
    case Request::kListServices:
      response.mutable_list_services_response();  // also when there is none to list
      for (const std::string& service : schema.services()) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case Request::MESSAGE_REQUEST_NOT_SET:
      SetError(absl::InvalidArgumentError("the request asks for nothing that is known here"),
               response);
      break;
  }
  return response;
}

template <typename Handler, typename Request, typename Response>
class ReflectionHandler final : public Handler {
 public:
  void set_schema(std::shared_ptr<const Schema> schema) { schema_ = std::move(schema); }

  absl::Status ServerReflectionInfo(CallContext& /*call*/,
                                    ServerStream<Request, Response>& stream) override {
    for (Request request; stream.ReadUntilDrain(&request);) {
      if (absl::Status s = stream.Write(Answer<Response>(*schema_, request)); !s.ok()) return s;
    }
    return stream.status();
  }

 private:
  std::shared_ptr<const Schema> schema_;  // of both versions
};

}  // namespace

Reflection::Reflection(std::vector<Service*> served)
    : Reflection(std::move(served), google::protobuf::DescriptorPool::generated_pool()) {}

Reflection::Reflection(std::vector<Service*> served, const google::protobuf::DescriptorPool* pool) {
  auto v1alpha = std::make_unique<
      ReflectionHandler<v1alpha::ServerReflectionHandler, v1alpha::ServerReflectionRequest,
                        v1alpha::ServerReflectionResponse>>();
  auto v1 =
      std::make_unique<ReflectionHandler<v1::ServerReflectionHandler, v1::ServerReflectionRequest,
                                         v1::ServerReflectionResponse>>();
  served.push_back(v1alpha.get());
  served.push_back(v1.get());
  const auto schema = std::make_shared<const Schema>(served, pool);
  v1alpha->set_schema(schema);
  v1->set_schema(schema);
  v1alpha_ = std::move(v1alpha);
  v1_ = std::move(v1);
}

Reflection::~Reflection() = default;

std::vector<Service*> Reflection::services() const { return {v1alpha_.get(), v1_.get()}; }

}  // namespace weft::rpc
