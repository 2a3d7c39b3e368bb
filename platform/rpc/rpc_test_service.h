// For this layer's tests: an echo server and a client on one runtime, with handlers to replace.
#ifndef WEFT_PLATFORM_RPC_RPC_TEST_SERVICE_H_
#define WEFT_PLATFORM_RPC_RPC_TEST_SERVICE_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"
#include "proto/bench/v1/echo.weft.h"

namespace weft::rpc {

class TestEcho final : public bench::v1::EchoHandler {
 public:
  std::function<absl::StatusOr<bench::v1::EchoReply>(CallContext&, const bench::v1::EchoRequest&)>
      say;
  std::function<absl::Status(CallContext&, const bench::v1::DownloadRequest&,
                             ServerWriter<bench::v1::EchoReply>&)>
      download;
  std::function<absl::Status(CallContext&,
                             ServerStream<bench::v1::EchoRequest, bench::v1::EchoReply>&)>
      chat;
  std::function<absl::StatusOr<bench::v1::UploadReply>(CallContext&,
                                                       ServerReader<bench::v1::EchoRequest>&)>
      upload;

  absl::StatusOr<bench::v1::EchoReply> Say(CallContext& call,
                                           const bench::v1::EchoRequest& request) override {
    if (say) return say(call, request);
    bench::v1::EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  }
  absl::Status Download(CallContext& call, const bench::v1::DownloadRequest& request,
                        ServerWriter<bench::v1::EchoReply>& replies) override {
    if (download) return download(call, request, replies);
    return EchoHandler::Download(call, request, replies);
  }
  absl::Status Chat(CallContext& call,
                    ServerStream<bench::v1::EchoRequest, bench::v1::EchoReply>& stream) override {
    if (chat) return chat(call, stream);
    bench::v1::EchoRequest request;
    bench::v1::EchoReply reply;
    while (stream.Read(&request)) {
      reply.set_payload(request.payload());
      if (absl::Status s = stream.Write(reply); !s.ok()) return s;
    }
    return stream.status();
  }
  absl::StatusOr<bench::v1::UploadReply> Upload(
      CallContext& call, ServerReader<bench::v1::EchoRequest>& requests) override {
    if (upload) return upload(call, requests);
    bench::v1::EchoRequest request;
    bench::v1::UploadReply reply;
    while (requests.Read(&request)) {
      reply.set_messages(reply.messages() + 1);
      reply.set_payload_bytes(reply.payload_bytes() + request.payload().size());
    }
    if (!requests.status().ok()) return requests.status();
    return reply;
  }
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}, int shards = 1)
      : queues_(shards), runtime_({.shards = shards, .poller_factory = queues_.Pollers()}) {
    auto server = Server::Start(runtime_, queues_, std::move(options), {&echo_});
    Check(server.ok(), "the test server did not start");
    server_ = *std::move(server);
    channel_ = *rpc::Channel::Create(absl::StrCat("127.0.0.1:", port()), {.own_connection = true});
    client_ = std::make_unique<bench::v1::EchoClient>(channel_);
  }
  ~TestServer() {
    client_.reset();
    channel_.reset();
    const absl::Status status = server_->Shutdown({});
    Check(status.ok(), "the test server did not shut down");
  }

  TestEcho& echo() { return echo_; }
  bench::v1::EchoClient& client() { return *client_; }
  rpc::Channel& channel() { return *channel_; }
  Server& server() { return *server_; }
  Runtime& runtime() { return runtime_; }
  int port() const { return server_->ports()[0]; }
  template <typename F>
  void Run(F function) {
    runtime_.Run(std::move(function));
  }

 private:
  ShardQueues queues_;
  Runtime runtime_;
  TestEcho echo_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<rpc::Channel> channel_;
  std::unique_ptr<bench::v1::EchoClient> client_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_RPC_TEST_SERVICE_H_
