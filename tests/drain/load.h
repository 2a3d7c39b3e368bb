// The two sides of a rehearsal: a service whose calls take a while, and clients
// that call it until they are refused.
#ifndef WEFT_TESTS_DRAIN_LOAD_H_
#define WEFT_TESTS_DRAIN_LOAD_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/client/channel.h"
#include "proto/bench/v1/echo.weft.h"
#include "tests/drain/call_books.h"

namespace weft::drain {

class DrainedService final : public bench::v1::EchoHandler {
 public:
  // Takes some milliseconds, as long as the payload says.
  absl::StatusOr<bench::v1::EchoReply> Say(CallContext& call,
                                           const bench::v1::EchoRequest& request) override;
  // As many messages as were asked for, one every 5 ms; without a number, until
  // the server drains.
  absl::Status Download(CallContext& call, const bench::v1::DownloadRequest& request,
                        rpc::ServerWriter<bench::v1::EchoReply>& replies) override;
  absl::StatusOr<bench::v1::UploadReply> Upload(
      CallContext& call, rpc::ServerReader<bench::v1::EchoRequest>& requests) override;
  // Echoes. Once the server drains it says "bye" and echoes what still comes;
  // unless its client asked it to ignore that.
  absl::Status Chat(
      CallContext& call,
      rpc::ServerStream<bench::v1::EchoRequest, bench::v1::EchoReply>& stream) override;
};

// Loops of calls on one channel, each until one of its calls fails. All park,
// on a fiber.
class Caller {
 public:
  // All outlive the caller. `in_grace`: whether the server says that calls
  // should go elsewhere.
  Caller(std::shared_ptr<rpc::Channel> channel, CallBooks& books, const std::atomic<bool>& in_grace)
      : client_(std::move(channel)), books_(books), in_grace_(in_grace) {}

  void SayInALoop();
  void UploadInALoop();
  void DownloadInALoop();  // streams with an end of their own
  void WatchInALoop();     // streams that end when the server drains
  void ChatInALoop();
  void ChatIgnoringTheDrain();  // one call

 private:
  template <typename Call>
  absl::Status Record(bool ignores_drain, Call call);

  const bench::v1::EchoClient client_;
  CallBooks& books_;
  const std::atomic<bool>& in_grace_;
};

}  // namespace weft::drain

#endif  // WEFT_TESTS_DRAIN_LOAD_H_
