// Readiness: whether this process should be sent calls, and if not, why. What /readyz answers.
#ifndef WEFT_PLATFORM_APP_READINESS_H_
#define WEFT_PLATFORM_APP_READINESS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "platform/app/admin_server.h"

namespace weft::app {

// Not ready ("starting") until told otherwise. Any thread; never blocks for long.
class Readiness {
 public:
  void SetReady() { Set(""); }
  // `reason` is for people: "draining".
  void SetNotReady(absl::string_view reason) { Set(reason); }

  // Why not; empty: ready.
  std::string reason() const {
    absl::MutexLock lock(&mutex_);
    return reason_;
  }

  // 200 "ok", or 503 with the reason.
  AdminReply Reply() const {
    absl::MutexLock lock(&mutex_);
    if (reason_.empty()) return {.body = "ok\n"};
    return {.status = 503, .body = absl::StrCat("not ready: ", reason_, "\n")};
  }

 private:
  void Set(absl::string_view reason) {
    absl::MutexLock lock(&mutex_);
    reason_ = std::string(reason);
  }

  mutable absl::Mutex mutex_;
  std::string reason_ ABSL_GUARDED_BY(mutex_) = "starting";
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_READINESS_H_
