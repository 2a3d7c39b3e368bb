// CallBooks: every call of a rehearsal, as both sides saw it.
#ifndef WEFT_TESTS_DRAIN_CALL_BOOKS_H_
#define WEFT_TESTS_DRAIN_CALL_BOOKS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/rpc/server/interceptor.h"
#include "tests/drain/rehearsal.h"

namespace weft::drain {

// In a call's metadata: its number.
inline constexpr absl::string_view kIdKey = "x-call-id";

// What the client knows of a call that has ended.
struct EndedCall {
  int64_t id = 0;
  bool ignores_drain = false;
  bool begun_in_grace = false;
  absl::Duration took;
  absl::Status status;
};

// Thread-safe. As an interceptor it enters what the server accepts.
class CallBooks final : public rpc::ServerInterceptor {
 public:
  absl::Status Intercept(rpc::CallContext& call, Next next) override;

  int64_t NextId();
  void Enter(const EndedCall& call);

  // When all has ended: compares the two sides.
  void Close(RehearsalReport* report) const;

 private:
  static void Judge(const EndedCall& call, bool accepted, RehearsalReport* report);

  mutable absl::Mutex mutex_;
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<int64_t, absl::Status> accepted_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<int64_t, EndedCall> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::drain

#endif  // WEFT_TESTS_DRAIN_CALL_BOOKS_H_
