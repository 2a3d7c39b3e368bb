// CallRecorder: what calls came to a server, with what, and how they ended.
//
//   EXPECT_THAT(server.calls().All(),
//               ElementsAre(AllOf(weft::rpc::CallTo("catalog.v1.Catalog/GetProduct"),
//                                 weft::rpc::WithMetadata("x-tenant", "blue"),
//                                 weft::rpc::EndedWith(weft::IsOk()))));
//
// An interceptor of the outermost stage, so that it also sees the calls that others refuse and what
// they make of a status. Not seen: calls that never reach the server, and those that gRPC refuses
// before there is a fiber. What is recorded of a call's end is what the server answered: a client
// that had gone by then saw something else.
//
// Order: calls stand in the order in which their fibers began. With one shard that is the order of
// their arrival, unless the runtime shuffles.
//
// A call's end is recorded before its answer is sent: whoever has the answer finds it here.
#ifndef WEFT_PLATFORM_RPC_TESTING_CALL_RECORDER_H_
#define WEFT_PLATFORM_RPC_TESTING_CALL_RECORDER_H_

#include <gmock/gmock.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/event.h"
#include "platform/rpc/metadata.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::rpc {

struct RecordedCall {
  std::string method;  // what was asked for, such as "catalog.v1.Catalog/GetProduct"
  Metadata metadata;   // as it came
  // From the arrival to the deadline, which gRPC rounds up on its way; absl::InfiniteDuration()
  // where neither client nor method have one (CallContext::deadline()).
  absl::Duration deadline_left;
  std::optional<absl::Status> status;  // nullopt: under way
  uint64_t received_bytes = 0;         // message payload, once it has ended
  uint64_t sent_bytes = 0;
};

std::ostream& operator<<(std::ostream& out, const RecordedCall& call);

// All but the waits: any thread, never parks.
class CallRecorder final : public ServerInterceptor {
 public:
  CallRecorder() = default;
  ~CallRecorder() override;  // Requires: nobody waits, and no server uses it.

  // Copies of what was recorded so far.
  std::vector<RecordedCall> All() const { return Matching(testing::_); }
  std::vector<RecordedCall> Matching(const testing::Matcher<const RecordedCall&>& matcher) const;
  size_t Count(const testing::Matcher<const RecordedCall&>& matcher) const;
  // Forgets all calls; the ends of those under way are dropped.
  void Clear();

  // Parks until `count` of the recorded calls match; at once when they do. This is how a test knows
  // that a call is under way, or over on the server too, without a sleep:
  //   calls.WaitFor(1, AllOf(CallTo("shop.v1.Shop/Buy"), UnderWay()));
  // A cancel point when it parks. Errors: the cancel scope's status. Requires: on a fiber, of any
  // runtime.
  absl::Status WaitFor(size_t count, const testing::Matcher<const RecordedCall&>& matcher);

  InterceptorStage stage() const override { return InterceptorStage::kTransport; }
  absl::Status Intercept(CallContext& call, Next next) override;

 private:
  struct Wait {
    size_t count;
    const testing::Matcher<const RecordedCall&>& matcher;
    Event enough;
  };
  // Under mutex_.
  size_t CountLocked(const testing::Matcher<const RecordedCall&>& matcher) const;
  void WakeWaiters();

  mutable std::mutex mutex_;  // of all below
  std::vector<RecordedCall> calls_;
  uint64_t cleared_ = 0;  // how often
  std::list<Wait*> waits_;
};

// Matchers of RecordedCall, to be combined by AllOf. Each argument is a value or a matcher of it.
testing::Matcher<const RecordedCall&> CallTo(testing::Matcher<std::string> method);
// One of the values of `key`.
testing::Matcher<const RecordedCall&> WithMetadata(const std::string& key,
                                                   testing::Matcher<std::string> value);
testing::Matcher<const RecordedCall&> WithDeadlineLeft(testing::Matcher<absl::Duration> left);
testing::Matcher<const RecordedCall&> UnderWay();
// By IsOk() or StatusIs() (base/testing/status_matchers.h). False while the call is under way.
testing::Matcher<const RecordedCall&> EndedWith(testing::Matcher<absl::Status> status);
testing::Matcher<const RecordedCall&> Ended();

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_TESTING_CALL_RECORDER_H_
