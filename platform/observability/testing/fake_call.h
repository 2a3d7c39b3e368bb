// FakeCall: a call without a server, for tests of interceptors.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_CALL_H_
#define WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_CALL_H_

#include <grpc/grpc.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/clock.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/rpc/server/call_context.h"

namespace weft::observability {

// Its scope() is one of its own, with the given deadline; what it serves does not run in it.
class FakeCall final : public rpc::CallContext {
 public:
  explicit FakeCall(const rpc::MethodDescriptor& method,
                    std::vector<std::pair<std::string, std::string>> metadata = {},
                    int64_t deadline_nanos = kNeverNanos);

  absl::string_view requested_method() const override { return requested_method_; }
  std::string peer() const override { return "ipv4:10.1.2.3:41234"; }
  std::vector<std::string> peer_identities() const override { return {}; }
  absl::Time deadline() const override { return absl::InfiniteFuture(); }
  CancelScope& scope() override { return scope_; }
  Event& drain_event() override { return drain_event_; }
  rpc::MetadataView metadata() const override {
    return {core_entries_.data(), core_entries_.size()};
  }
  void AddInitialMetadata(absl::string_view, absl::string_view) override {}
  void AddTrailingMetadata(absl::string_view, absl::string_view) override {}
  void CompressReplies() override {}
  bool request_was_compressed() const override { return false; }

  // What the server would fill in.
  void set_requested_method(std::string method) { requested_method_ = std::move(method); }
  void set_bytes(uint64_t received, uint64_t sent) {
    received_bytes_ = received;
    sent_bytes_ = sent;
  }
  void set_accepted_nanos(int64_t nanos) { accepted_nanos_ = nanos; }
  void set_handler_started_nanos(int64_t nanos) { handler_started_nanos_ = nanos; }

 private:
  const std::vector<std::pair<std::string, std::string>> entries_;
  std::vector<grpc_metadata> core_entries_;  // views of entries_
  weft::internal::RootScope scope_;
  Event drain_event_;
  std::string requested_method_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_CALL_H_
