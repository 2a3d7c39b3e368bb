#include "platform/rpc/testing/call_recorder.h"

#include <algorithm>
#include <utility>

#include "platform/base/check.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/testing/short_lock.h"

namespace weft::rpc {

std::ostream& operator<<(std::ostream& out, const RecordedCall& call) {
  out << call.method;
  for (const auto& [key, value] : call.metadata.entries()) out << " " << key << "=" << value;
  if (call.deadline_left != absl::InfiniteDuration()) out << " within " << call.deadline_left;
  if (!call.status.has_value()) return out << ": under way";
  return out << ": " << *call.status;
}

CallRecorder::~CallRecorder() {
  Check(waits_.empty(), "a CallRecorder outlives the fibers in its WaitFor()");
}

std::vector<RecordedCall> CallRecorder::Matching(
    const testing::Matcher<const RecordedCall&>& matcher) const {
  const internal::ShortLock hold(mutex_);
  std::vector<RecordedCall> found;
  for (const RecordedCall& call : calls_) {
    if (matcher.Matches(call)) found.push_back(call);
  }
  return found;
}

size_t CallRecorder::Count(const testing::Matcher<const RecordedCall&>& matcher) const {
  const internal::ShortLock hold(mutex_);
  return CountLocked(matcher);
}

size_t CallRecorder::CountLocked(const testing::Matcher<const RecordedCall&>& matcher) const {
  return static_cast<size_t>(
      std::count_if(calls_.begin(), calls_.end(),
                    [&](const RecordedCall& call) { return matcher.Matches(call); }));
}

void CallRecorder::Clear() {
  const internal::ShortLock hold(mutex_);
  calls_.clear();
  ++cleared_;
}

absl::Status CallRecorder::WaitFor(size_t count,
                                   const testing::Matcher<const RecordedCall&>& matcher) {
  Wait wait = {.count = count, .matcher = matcher, .enough = {}};
  {
    const internal::ShortLock hold(mutex_);
    if (CountLocked(matcher) >= count) return absl::OkStatus();
    waits_.push_back(&wait);
  }
  const absl::Status status = wait.enough.Wait();
  const internal::ShortLock hold(mutex_);  // Also for WakeWaiters() to be done with it.
  waits_.remove(&wait);
  return status;
}

void CallRecorder::WakeWaiters() {
  for (Wait* const wait : waits_) {
    if (CountLocked(wait->matcher) >= wait->count) wait->enough.Set();
  }
}

absl::Status CallRecorder::Intercept(CallContext& call, Next next) {
  const absl::Time deadline = call.deadline();
  RecordedCall recorded;
  recorded.method = std::string(call.requested_method());
  recorded.metadata = call.metadata().Copy();
  recorded.deadline_left =
      deadline == absl::InfiniteFuture() ? absl::InfiniteDuration() : deadline - weft::Now();
  size_t index = 0;
  uint64_t cleared = 0;
  {
    const internal::ShortLock hold(mutex_);
    index = calls_.size();
    cleared = cleared_;
    calls_.push_back(std::move(recorded));
    WakeWaiters();
  }
  absl::Status status = next();
  const internal::ShortLock hold(mutex_);
  if (cleared != cleared_) return status;
  RecordedCall& ended = calls_[index];
  ended.status = status;
  ended.received_bytes = call.received_bytes();
  ended.sent_bytes = call.sent_bytes();
  WakeWaiters();
  return status;
}

// --- Matchers --------------------------------------------------------------------------------

testing::Matcher<const RecordedCall&> CallTo(testing::Matcher<std::string> method) {
  return testing::Field("method", &RecordedCall::method, std::move(method));
}

testing::Matcher<const RecordedCall&> WithMetadata(const std::string& key,
                                                   testing::Matcher<std::string> value) {
  return testing::Field("metadata", &RecordedCall::metadata,
                        testing::Property("entries", &Metadata::entries,
                                          testing::Contains(testing::Pair(key, std::move(value)))));
}

testing::Matcher<const RecordedCall&> WithDeadlineLeft(testing::Matcher<absl::Duration> left) {
  return testing::Field("deadline_left", &RecordedCall::deadline_left, std::move(left));
}

testing::Matcher<const RecordedCall&> UnderWay() {
  return testing::Field("status", &RecordedCall::status, testing::Eq(std::nullopt));
}

testing::Matcher<const RecordedCall&> EndedWith(testing::Matcher<absl::Status> status) {
  return testing::Field("status", &RecordedCall::status, testing::Optional(std::move(status)));
}

testing::Matcher<const RecordedCall&> Ended() { return EndedWith(testing::_); }

}  // namespace weft::rpc
