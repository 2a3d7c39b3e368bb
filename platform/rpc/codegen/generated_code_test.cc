// The generated code compiles and does what the .proto says: its glue runs here on a call that is
// a script of requests; over the wire it runs in platform/rpc/call_test.cc.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/rpc/codegen/testdata/no_package.weft.h"
#include "platform/rpc/codegen/testdata/options.weft.h"
#include "platform/rpc/codegen/testdata/shared.weft.h"
#include "platform/rpc/codegen/testdata/warehouse.weft.h"

namespace weft::codegen_test::warehouse::v1 {
namespace {

using ::weft::rpc::MethodDescriptor;
using ::weft::rpc::MethodKind;

// Holds the requests to read and the replies written, serialized.
class ScriptedCall final : public rpc::ServerCall {
 public:
  void Add(const google::protobuf::MessageLite& request) {
    requests_.push_back(request.SerializeAsString());
  }
  template <typename Reply>
  std::vector<Reply> Replies() const {
    std::vector<Reply> replies;
    for (const std::string& bytes : replies_)
      EXPECT_TRUE(replies.emplace_back().ParseFromString(bytes));
    return replies;
  }

  absl::Status ReadRequest(google::protobuf::MessageLite* request) override {
    return Read(request).status();
  }
  absl::Status SetReply(const google::protobuf::MessageLite& reply) override {
    return Write(reply, {});
  }
  absl::StatusOr<bool> Read(google::protobuf::MessageLite* request) override {
    if (requests_.empty()) return false;
    const std::string bytes = std::move(requests_.front());
    requests_.pop_front();
    if (!request->ParseFromString(bytes)) return absl::InternalError("bad request");
    return true;
  }
  absl::StatusOr<bool> ReadUntilDrain(google::protobuf::MessageLite* request) override {
    return Read(request);
  }
  absl::Status Write(const google::protobuf::MessageLite& reply, rpc::WriteOptions) override {
    replies_.push_back(reply.SerializeAsString());
    return absl::OkStatus();
  }

  absl::string_view requested_method() const override { return ""; }
  std::string peer() const override { return ""; }
  std::vector<std::string> peer_identities() const override { return {}; }
  absl::Time deadline() const override { return absl::InfiniteFuture(); }
  CancelScope& scope() override { std::abort(); }
  Event& drain_event() override { return drain_event_; }
  rpc::MetadataView metadata() const override { return {}; }
  void AddInitialMetadata(absl::string_view, absl::string_view) override {}
  void AddTrailingMetadata(absl::string_view, absl::string_view) override {}
  void CompressReplies() override {}
  bool request_was_compressed() const override { return false; }

 private:
  std::deque<std::string> requests_;
  std::vector<std::string> replies_;
  Event drain_event_;
};

absl::Status Serve(rpc::Service& service, const MethodDescriptor& descriptor,
                   rpc::ServerCall& call) {
  for (const rpc::Service::Method& method : service.methods()) {
    if (method.descriptor == &descriptor) return method.handler(service, call);
  }
  return absl::NotFoundError(descriptor.path);
}

class Handler final : public WarehouseHandler {
 public:
  absl::StatusOr<Shelf> GetShelf(CallContext&, const GetShelfRequest& request) override {
    if (request.number() == 0) return absl::NotFoundError("no shelf 0");
    return MakeShelf(request.number());
  }
  absl::Status ListShelves(CallContext&, const ListShelvesRequest& request,
                           rpc::ServerWriter<Shelf>& replies) override {
    for (int i = 1; i <= request.count(); ++i) {
      if (absl::Status s = replies.Write(MakeShelf(i)); !s.ok()) return s;
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Count> CountBoxes(CallContext&, rpc::ServerReader<Box>& requests) override {
    Count count;
    for (Box box; requests.Read(&box);) {
      count.set_boxes(count.boxes() + 1);
      count.set_weight_grams(count.weight_grams() + box.weight_grams());
    }
    if (!requests.status().ok()) return requests.status();
    return count;
  }
  absl::Status StoreBoxes(CallContext&, rpc::ServerStream<Box, Shelf>& stream) override {
    for (Box box; stream.Read(&box);) {
      if (absl::Status s = stream.Write(MakeShelf(box.weight_grams())); !s.ok()) return s;
    }
    return stream.status();
  }

 private:
  static Shelf MakeShelf(int number) {
    Shelf shelf;
    shelf.set_number(number);
    return shelf;
  }
};

Box MakeBox(int weight_grams) {
  Box box;
  box.set_weight_grams(weight_grams);
  return box;
}

TEST(GeneratedMethods, HavePathsAndKindsOfTheProto) {
  static_assert(WarehouseMethods::kGetShelf.kind == MethodKind::kUnary);
  static_assert(WarehouseMethods::kListShelves.kind == MethodKind::kServerStreaming);
  static_assert(WarehouseMethods::kCountBoxes.kind == MethodKind::kClientStreaming);
  static_assert(WarehouseMethods::kStoreBoxes.kind == MethodKind::kBidirectional);
  EXPECT_STREQ(WarehouseMethods::kdelete.path, "/weft.codegen_test.warehouse.v1.Warehouse/delete");
  EXPECT_STREQ(WarehouseMethods::full_name(), "weft.codegen_test.warehouse.v1.Warehouse");
  EXPECT_STREQ(BareMethods::kPing.path, "/Bare/Ping");
}

TEST(GeneratedHandler, RegistersEachMethodOnceInTheOrderOfTheProto) {
  Handler handler;
  std::vector<const MethodDescriptor*> registered;
  for (const rpc::Service::Method& method : handler.methods()) {
    registered.push_back(method.descriptor);
  }
  EXPECT_EQ(registered, (std::vector<const MethodDescriptor*>{
                            &WarehouseMethods::kGetShelf, &WarehouseMethods::kListShelves,
                            &WarehouseMethods::kCountBoxes, &WarehouseMethods::kStoreBoxes,
                            &WarehouseMethods::kdelete, &WarehouseMethods::kAddMethod,
                            &WarehouseMethods::kMoveEverythingFromOneShelfToAnother}));
}

TEST(GeneratedHandler, UnaryAnswersWithReplyOrStatus) {
  Handler handler;
  GetShelfRequest request;
  request.set_number(7);
  ScriptedCall call;
  call.Add(request);
  ASSERT_EQ(Serve(handler, WarehouseMethods::kGetShelf, call), absl::OkStatus());
  ASSERT_EQ(call.Replies<Shelf>().size(), 1u);
  EXPECT_EQ(call.Replies<Shelf>()[0].number(), 7);

  ScriptedCall failing;
  failing.Add(GetShelfRequest());
  EXPECT_EQ(Serve(handler, WarehouseMethods::kGetShelf, failing),
            absl::NotFoundError("no shelf 0"));
  EXPECT_TRUE(failing.Replies<Shelf>().empty());
}

TEST(GeneratedHandler, ServerStreamingWritesEachReply) {
  Handler handler;
  ListShelvesRequest request;
  request.set_count(3);
  ScriptedCall call;
  call.Add(request);
  ASSERT_EQ(Serve(handler, WarehouseMethods::kListShelves, call), absl::OkStatus());
  ASSERT_EQ(call.Replies<Shelf>().size(), 3u);
  EXPECT_EQ(call.Replies<Shelf>()[2].number(), 3);
}

TEST(GeneratedHandler, ClientStreamingReadsAllThenReplies) {
  Handler handler;
  ScriptedCall call;
  call.Add(MakeBox(10));
  call.Add(MakeBox(32));
  ASSERT_EQ(Serve(handler, WarehouseMethods::kCountBoxes, call), absl::OkStatus());
  ASSERT_EQ(call.Replies<Count>().size(), 1u);
  EXPECT_EQ(call.Replies<Count>()[0].boxes(), 2);
  EXPECT_EQ(call.Replies<Count>()[0].weight_grams(), 42);
}

TEST(GeneratedHandler, BidirectionalAnswersEachRequest) {
  Handler handler;
  ScriptedCall call;
  call.Add(MakeBox(1));
  call.Add(MakeBox(2));
  ASSERT_EQ(Serve(handler, WarehouseMethods::kStoreBoxes, call), absl::OkStatus());
  ASSERT_EQ(call.Replies<Shelf>().size(), 2u);
  EXPECT_EQ(call.Replies<Shelf>()[1].number(), 2);
}

TEST(GeneratedHandler, MethodNotOverriddenAnswersUnimplementedWithItsName) {
  WarehouseHandler handler;
  ASSERT_EQ(handler.methods().size(), 7u);
  for (const rpc::Service::Method& method : handler.methods()) {
    ScriptedCall call;
    const absl::Status status = method.handler(handler, call);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(std::strstr(std::string(status.message()).c_str(), method.descriptor->name()),
              nullptr)
        << status;
  }
}

TEST(GeneratedMethods, HaveTheOptionsOfTheProto) {
  using options::v1::TariffsMethods;
  static_assert(TariffsMethods::kGet.options.idempotency == rpc::Idempotency::kNoSideEffects);
  static_assert(TariffsMethods::kGet.options.default_timeout == absl::Milliseconds(1500));
  static_assert(TariffsMethods::kGet.options.criticality == rpc::Criticality::kCriticalPlus);
  static_assert(TariffsMethods::kGet.options.retry == rpc::Retry::kHedge);
  static_assert(TariffsMethods::kSet.options.idempotency == rpc::Idempotency::kIdempotent);
  static_assert(TariffsMethods::kSet.options.retry == rpc::Retry::kNever);
  static_assert(TariffsMethods::kWatch.options.criticality == rpc::Criticality::kSheddable);
  static_assert(TariffsMethods::kCount.options.default_timeout == absl::Seconds(60));
  static_assert(TariffsMethods::kSet.options.required_scopes == "tariffs.read tariffs.write");
  static_assert(!TariffsMethods::kSet.options.is_public);
  static_assert(TariffsMethods::kCount.options.is_public);
  static_assert(TariffsMethods::kPlain.options.required_scopes.empty());
  static_assert(!TariffsMethods::kPlain.options.idempotent());
  static_assert(TariffsMethods::kPlain.options.default_timeout == absl::InfiniteDuration());
  static_assert(TariffsMethods::kPlain.options.criticality == rpc::Criticality::kCritical);
}

TEST(GeneratedClient, EachKindHasItsShape) {
  using Client = const WarehouseClient&;
  static_assert(std::is_same_v<decltype(std::declval<Client>().GetShelf(GetShelfRequest())),
                               absl::StatusOr<Shelf>>);
  static_assert(std::is_same_v<decltype(std::declval<Client>().ListShelves(ListShelvesRequest())),
                               rpc::ClientReader<Shelf>>);
  static_assert(
      std::is_same_v<decltype(std::declval<Client>().CountBoxes()), rpc::ClientWriter<Box, Count>>);
  static_assert(
      std::is_same_v<decltype(std::declval<Client>().StoreBoxes()), rpc::ClientStream<Box, Shelf>>);
  static_assert(std::is_copy_constructible_v<WarehouseClient>);
}

}  // namespace
}  // namespace weft::codegen_test::warehouse::v1
