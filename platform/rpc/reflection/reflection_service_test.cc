// Over the wire, asked by gRPC's own C++ client through the messages of v1alpha.
#include "platform/rpc/reflection/reflection_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/health/health_service.h"
#include "platform/rpc/reflection/extended_test.pb.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"

namespace weft::rpc {
namespace {

using ::google::protobuf::FileDescriptorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;

class ReflectionTest : public ::testing::Test {
 protected:
  ReflectionTest()
      : queues_(1),
        runtime_({.shards = 1, .poller_factory = queues_.Pollers()}),
        reflection_({&health_}) {
    std::vector<Service*> services = reflection_.services();
    services.push_back(&health_);
    server_ = *Server::Start(runtime_, queues_, {}, services);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->ports()[0]),
                                   grpc::InsecureChannelCredentials());
    stub_ = v1alpha::ServerReflection::NewStub(channel_);
    stream_ = stub_->ServerReflectionInfo(&context_);
  }
  ~ReflectionTest() override {
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
    EXPECT_EQ(server_->Shutdown({}), absl::OkStatus());
  }

  v1alpha::ServerReflectionResponse Ask(const v1alpha::ServerReflectionRequest& request) {
    v1alpha::ServerReflectionResponse response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }
  static std::vector<FileDescriptorProto> Files(const v1alpha::ServerReflectionResponse& response) {
    EXPECT_TRUE(response.has_file_descriptor_response()) << response.ShortDebugString();
    std::vector<FileDescriptorProto> files;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      EXPECT_TRUE(files.emplace_back().ParseFromString(bytes));
    }
    return files;
  }
  std::vector<FileDescriptorProto> AskForSymbol(const std::string& symbol) {
    v1alpha::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    return Files(Ask(request));
  }

  ShardQueues queues_;
  Runtime runtime_;
  HealthService health_;
  Reflection reflection_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1alpha::ServerReflection::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>
      stream_;
};

template <typename Response>
std::vector<std::string> ServiceNames(const Response& response) {
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  return names;
}

TEST_F(ReflectionTest, ListsTheServicesServedAndItself) {
  v1alpha::ServerReflectionRequest request;
  request.set_host("example");
  request.set_list_services("*");
  const auto response = Ask(request);
  EXPECT_EQ(response.valid_host(), "example");
  EXPECT_THAT(ServiceNames(response),
              ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                          "grpc.reflection.v1alpha.ServerReflection"));
}

TEST_F(ReflectionTest, TheNewerNameOfTheProtocolAnswersAlike) {
  auto stub = v1::ServerReflection::NewStub(channel_);
  grpc::ClientContext context;
  auto stream = stub->ServerReflectionInfo(&context);
  v1::ServerReflectionRequest request;
  v1::ServerReflectionResponse response;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(ServiceNames(response).size(), 3u);
  request.set_file_by_filename("no/such.proto");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ReflectionTest, FileIsFoundByItsName) {
  v1alpha::ServerReflectionRequest request;
  request.set_file_by_filename("grpc/health/v1/health.proto");
  const std::vector<FileDescriptorProto> files = Files(Ask(request));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].name(), "grpc/health/v1/health.proto");
  EXPECT_EQ(files[0].service(0).name(), "Health");
}

TEST_F(ReflectionTest, FileIsFoundByEachKindOfSymbol) {
  for (const std::string symbol :
       {"grpc.health.v1.Health", "grpc.health.v1.Health.Watch",
        "grpc.health.v1.HealthCheckResponse", "grpc.health.v1.HealthCheckResponse.ServingStatus"}) {
    const std::vector<FileDescriptorProto> files = AskForSymbol(symbol);
    ASSERT_EQ(files.size(), 1u) << symbol;
    EXPECT_EQ(files[0].name(), "grpc/health/v1/health.proto") << symbol;
  }
}

TEST_F(ReflectionTest, ImportsComeAlongOnceBehindTheFile) {
  const std::vector<FileDescriptorProto> files = AskForSymbol("weft.reflection_test.Importing");
  std::vector<std::string> names;
  for (const FileDescriptorProto& file : files) names.push_back(file.name());
  EXPECT_THAT(names, ElementsAre("platform/rpc/reflection/extended_test.proto",
                                 "google/protobuf/type.proto", "google/protobuf/any.proto",
                                 "google/protobuf/source_context.proto"));
}

TEST_F(ReflectionTest, ExtensionsAreFoundByNumberAndListed) {
  weft::reflection_test::Extended linked_in;
  v1alpha::ServerReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type("weft.reflection_test.Extended");
  request.mutable_file_containing_extension()->set_extension_number(150);
  EXPECT_EQ(Files(Ask(request))[0].name(), "platform/rpc/reflection/extended_test.proto");

  request.set_all_extension_numbers_of_type("weft.reflection_test.Extended");
  const auto response = Ask(request).all_extension_numbers_response();
  EXPECT_EQ(response.base_type_name(), "weft.reflection_test.Extended");
  EXPECT_THAT(response.extension_number(), ElementsAre(120, 150));

  request.set_all_extension_numbers_of_type("grpc.health.v1.HealthCheckRequest");
  EXPECT_TRUE(Ask(request).has_all_extension_numbers_response());
}

TEST_F(ReflectionTest, WhatIsNotThereIsAnErrorResponseAndTheStreamGoesOn) {
  v1alpha::ServerReflectionRequest file;
  file.set_file_by_filename("no/such.proto");
  v1alpha::ServerReflectionRequest symbol;
  symbol.set_file_containing_symbol("no.such.Symbol");
  v1alpha::ServerReflectionRequest type;
  type.set_all_extension_numbers_of_type("no.such.Type");
  v1alpha::ServerReflectionRequest extended;
  extended.mutable_file_containing_extension()->set_containing_type("no.such.Type");
  v1alpha::ServerReflectionRequest extension;
  extension.mutable_file_containing_extension()->set_containing_type(
      "weft.reflection_test.Extended");
  extension.mutable_file_containing_extension()->set_extension_number(199);
  for (const auto& request : {file, symbol, type, extended, extension}) {
    const auto response = Ask(request);
    EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND)
        << response.ShortDebugString();
    EXPECT_THAT(response.error_response().error_message(), HasSubstr("no "));
  }
  EXPECT_EQ(Ask({}).error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// What grpcurl does: calls a method of which it had nothing but the name.
TEST_F(ReflectionTest, ClientWithoutTheProtoCanCallAMethod) {
  google::protobuf::DescriptorPool pool;
  for (const FileDescriptorProto& file : AskForSymbol("grpc.health.v1.Health")) {
    ASSERT_NE(pool.BuildFile(file), nullptr);
  }
  const google::protobuf::MethodDescriptor* method =
      pool.FindMethodByName("grpc.health.v1.Health.Check");
  ASSERT_NE(method, nullptr);
  google::protobuf::DynamicMessageFactory factory(&pool);
  std::unique_ptr<google::protobuf::Message> reply(
      factory.GetPrototype(method->output_type())->New());

  health_.SetServing("", true);
  grpc::TemplatedGenericStub<google::protobuf::Message, google::protobuf::Message> stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<google::protobuf::Message> request(
      factory.GetPrototype(method->input_type())->New());
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", *request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(reply.get(), &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply->ShortDebugString(), "status: SERVING");
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace
}  // namespace weft::rpc
