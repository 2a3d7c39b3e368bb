#include "platform/fiber/testing/blocking_calls.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/fiber/blocking_calls.h"

namespace weft {
namespace {

struct Recorded {
  std::mutex mutex;  // of all below
  std::vector<BlockingCall> calls;
};

Recorded& AllRecorded() {
  static auto* const recorded = new Recorded;
  return *recorded;
}

void Record(const BlockingCall& call) {
  Recorded& recorded = AllRecorded();
  std::lock_guard<std::mutex> hold(recorded.mutex);
  recorded.calls.push_back(call);
}

void Print(const BlockingCall& call) { std::fprintf(stderr, "%s\n", ToString(call).c_str()); }

void Fail(const BlockingCall& call) {
  if (call.kind == BlockingCallKind::kWaitsForLock) {
    Print(call);
  } else {
    ADD_FAILURE() << ToString(call);
  }
}

BlockingCallHandler HandlerOfEnvironment() {
  const char* const text = std::getenv("WEFT_BLOCKING_CALLS");
  const absl::string_view mode = text == nullptr ? "" : text;
  if (mode == "strict") return Fail;
  if (mode == "off") return [](const BlockingCall&) {};
  Check(mode.empty() || mode == "report", "WEFT_BLOCKING_CALLS is strict, report or off");
  return nullptr;
}

// At the start of every test that links this: alwayslink.
const BlockingCallHandler at_start = SetBlockingCallHandler(HandlerOfEnvironment());

}  // namespace

namespace internal {

void ExpectNoBlockingCalls(const std::function<void()>& function, const char* file, int line) {
  const BlockingCallHandler before = SetBlockingCallHandler(Record);
  Check(before != Record, "an EXPECT_NO_BLOCKING_CALLS is within another one");
  function();
  SetBlockingCallHandler(before);
  Recorded& recorded = AllRecorded();
  std::lock_guard<std::mutex> hold(recorded.mutex);
  for (const BlockingCall& call : recorded.calls) {
    if (call.kind == BlockingCallKind::kWaitsForLock) {
      Print(call);
    } else {
      ADD_FAILURE_AT(file, line) << ToString(call);
    }
  }
  recorded.calls.clear();
}

}  // namespace internal
}  // namespace weft
