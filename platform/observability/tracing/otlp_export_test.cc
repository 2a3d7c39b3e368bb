// A span goes all the way: through the batch processor and the exporter, over HTTP, to a receiver.
#include <civetweb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

using ::testing::HasSubstr;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

// Keeps the bodies that are posted to /v1/traces.
class Receiver {
 public:
  Receiver() {
    const char* options[] = {"listening_ports",    "127.0.0.1:0", "num_threads", "2",
                             "request_timeout_ms", "200",         nullptr};
    mg_init_library(0);
    context_ = mg_start(nullptr, nullptr, options);
    mg_set_request_handler(context_, "/v1/traces", &Receiver::Handle, this);
    mg_server_port port;
    if (mg_get_server_ports(context_, 1, &port) == 1) port_ = port.port;
  }
  ~Receiver() {
    mg_stop(context_);
    mg_exit_library();
  }

  int port() const { return port_; }
  std::string bodies() {
    absl::MutexLock lock(&mutex_);
    return bodies_;
  }

 private:
  static int Handle(mg_connection* connection, void* self) {
    auto* receiver = static_cast<Receiver*>(self);
    std::string body;
    char buffer[4096];
    for (int n; (n = mg_read(connection, buffer, sizeof(buffer))) > 0;) body.append(buffer, n);
    {
      absl::MutexLock lock(&receiver->mutex_);
      receiver->bodies_ += body;
    }
    mg_printf(connection,
              "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
              "Content-Length: 0\r\n\r\n");
    return 200;
  }

  mg_context* context_ = nullptr;
  int port_ = 0;
  absl::Mutex mutex_;
  std::string bodies_ ABSL_GUARDED_BY(mutex_);
};

void ServeOne(Tracing& tracing) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kGet);
    EXPECT_TRUE(tracing.server_interceptor().Intercept(call, [] { return absl::OkStatus(); }).ok());
  });
}

TEST(OtlpExport, ASpanArrivesAtTheReceiver) {
  Receiver receiver;
  ASSERT_NE(receiver.port(), 0);
  auto tracing =
      Tracing::Start({.otlp_endpoint = "http://127.0.0.1:" + std::to_string(receiver.port()),
                      .sample_ratio = 1,
                      .service_name = "shop-under-test",
                      .service_version = "1.2.3"});
  ASSERT_TRUE(tracing.ok()) << tracing.status();
  ServeOne(**tracing);
  (*tracing)->Shutdown(absl::Seconds(30));
  // Protobuf keeps strings as they are.
  const std::string bodies = receiver.bodies();
  EXPECT_THAT(bodies, HasSubstr("shop.v1.Shop/Get"));
  EXPECT_THAT(bodies, HasSubstr("shop-under-test"));
  EXPECT_THAT(bodies, HasSubstr("1.2.3"));
  EXPECT_THAT(bodies, HasSubstr("rpc.grpc.status_code"));
}

// Takes connections and never answers.
class BlackHole {
 public:
  BlackHole() {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket_, 16);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~BlackHole() { close(socket_); }
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

// Ends at all: a test that hangs is stopped by the test runner.
TEST(OtlpExport, ShutdownEndsThoughTheCollectorDoesNotAnswer) {
  BlackHole collector;
  auto tracing =
      Tracing::Start({.otlp_endpoint = "http://127.0.0.1:" + std::to_string(collector.port()),
                      .sample_ratio = 1,
                      .service_name = "shop"});
  ASSERT_TRUE(tracing.ok()) << tracing.status();
  ServeOne(**tracing);
  (*tracing)->Shutdown(absl::Milliseconds(100));
}

}  // namespace
}  // namespace weft::observability
