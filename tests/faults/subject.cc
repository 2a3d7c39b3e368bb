// The service that faults are tried on: bench.v1.Echo in an App, with all that a service has by
// default. With --subject.backend, Say is passed on to another one.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/app/app.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/client/channel.h"
#include "proto/bench/v1/echo.weft.h"

namespace weft::faults {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

class Subject final : public bench::v1::EchoHandler {
 public:
  // `backend` may be null.
  explicit Subject(std::shared_ptr<rpc::Channel> backend) {
    if (backend != nullptr) backend_ = std::make_unique<bench::v1::EchoClient>(std::move(backend));
  }

  absl::StatusOr<EchoReply> Say(CallContext&, const EchoRequest& request) override {
    if (backend_ != nullptr) return backend_->Say(request);
    EchoReply reply;
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
  std::unique_ptr<bench::v1::EchoClient> backend_;
};

absl::Status SetUp(app::App& app) {
  const std::string& backend = app.config().String("subject.backend");
  std::shared_ptr<rpc::Channel> channel;
  if (!backend.empty()) {
    absl::StatusOr<std::shared_ptr<rpc::Channel>> made = app.Channel(backend);
    if (!made.ok()) return made.status();
    channel = *std::move(made);
  }
  app.Serve(std::make_unique<Subject>(std::move(channel)));
  return absl::OkStatus();
}

}  // namespace
}  // namespace weft::faults

int main(int argc, char** argv) {
  return weft::app::Main(argc, argv,
                         {.name = "subject",
                          .version = "1",
                          .config = {{.name = "subject.backend",
                                      .value = "",
                                      .help = "another subject, which Say is passed on to"}}},
                         weft::faults::SetUp);
}
