#include "tests/drain/call_books.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/rpc/server/call_context.h"

namespace weft::drain {

absl::Status CallBooks::Intercept(rpc::CallContext& call, Next next) {
  int64_t id = 0;
  if (!absl::SimpleAtoi(call.metadata().Find(kIdKey).value_or(""), &id)) {
    return absl::InvalidArgumentError("a call of the rehearsal has no number");
  }
  {
    absl::MutexLock hold(&mutex_);
    accepted_[id] = absl::UnknownError("its handler has not returned");
  }
  absl::Status status = next();
  absl::MutexLock hold(&mutex_);
  accepted_[id] = status;
  return status;
}

int64_t CallBooks::NextId() {
  absl::MutexLock hold(&mutex_);
  return ++last_id_;
}

void CallBooks::Enter(const EndedCall& call) {
  absl::MutexLock hold(&mutex_);
  ended_[call.id] = call;
}

void CallBooks::Judge(const EndedCall& call, bool accepted, RehearsalReport* report) {
  const auto fault = [&](absl::string_view what) {
    report->faults.push_back(absl::StrCat("call ", call.id, " ", what, ": ", call.status.ToString(),
                                          " after ", absl::FormatDuration(call.took)));
  };
  if (!accepted) {
    ++report->refused[absl::StatusCodeToString(call.status.code())];
    report->slowest_refusal = std::max(report->slowest_refusal, call.took);
    if (call.status.ok()) fault("was answered by nobody");
    if (call.status.code() == absl::StatusCode::kDeadlineExceeded) fault("was left hanging");
    return;
  }
  ++report->accepted;
  if (call.ignores_drain) {
    const bool told_why =
        call.status.code() == absl::StatusCode::kCancelled &&
        absl::StrContains(std::string(call.status.message()), "drain: the server is shutting down");
    if (!told_why) fault("should have been cancelled by the drain");
    ++report->cancelled;
    return;
  }
  if (!call.status.ok()) fault("was accepted and is lost");
  ++report->answered;
  if (call.begun_in_grace) ++report->begun_in_grace;
}

void CallBooks::Close(RehearsalReport* report) const {
  absl::MutexLock hold(&mutex_);
  for (const auto& [id, call] : ended_) Judge(call, accepted_.contains(id), report);
  for (const auto& [id, status] : accepted_) {
    if (ended_.contains(id)) continue;
    report->faults.push_back(absl::StrCat("call ", id, " was accepted and its client knows nothing",
                                          " of it; its handler: ", status.ToString()));
  }
}

}  // namespace weft::drain
