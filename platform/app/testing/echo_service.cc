// A service for app_test.cc: bench.v1.Echo with handlers that behave in every way.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "platform/app/app.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "proto/bench/v1/echo.weft.h"

namespace weft::app {
namespace {

class EchoService final : public bench::v1::EchoHandler {
 public:
  explicit EchoService(App& app) : app_(app) {}

  absl::StatusOr<bench::v1::EchoReply> Say(CallContext&,
                                           const bench::v1::EchoRequest& request) override {
    if (request.payload() == "request shutdown") app_.RequestShutdown();
    if (request.payload() == "never return") {
      CancelScope deaf({.shield = true});
      while (true) (void)weft::SleepFor(absl::Hours(1));
    }
    if (request.payload() == "block the thread") absl::Notification().WaitForNotification();
    bench::v1::EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  }

  absl::StatusOr<bench::v1::SleepReply> Sleep(CallContext&,
                                              const bench::v1::SleepRequest& request) override {
    if (absl::Status s = weft::SleepFor(absl::Milliseconds(request.duration_ms())); !s.ok()) {
      return s;
    }
    return bench::v1::SleepReply();
  }

 private:
  App& app_;
};

absl::Status SetUpEcho(App& app) {
  const std::string& way = app.config().String("echo.set_up");
  if (way == "argument") return absl::InvalidArgumentError("echo.set_up: is wrong");
  if (way == "other") return absl::UnavailableError("the database is away");
  if (way == "hangs") absl::Notification().WaitForNotification();
  BlockingPool& pool =
      app.Keep(std::make_unique<BlockingPool>(BlockingPoolOptions{.name = "files", .threads = 3}));
  app.Watch(pool);
  // As a service would that reads something on a fiber before it serves.
  const absl::Status read =
      app.runtime().Run([&pool] { return pool.Run([] { return absl::OkStatus(); }); });
  if (!read.ok()) return read;
  app.Serve(std::make_unique<EchoService>(app));
  return absl::OkStatus();
}

}  // namespace
}  // namespace weft::app

int main(int argc, char** argv) {
  return weft::app::Main(argc, argv,
                         {.name = "echo",
                          .version = "1.2.3",
                          .config = {{.name = "echo.set_up",
                                      .value = "",
                                      .help = "how the set-up fails",
                                      .choices = {"", "argument", "other", "hangs"}}}},
                         weft::app::SetUpEcho);
}
