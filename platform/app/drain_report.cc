#include "platform/app/drain_report.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/rpc/server/call_context.h"

namespace weft::app {

absl::Status DrainReport::Intercept(rpc::CallContext& call, Next next) {
  absl::Status status = next();
  if (draining_.load(std::memory_order_relaxed) && call.scope().cause() == CancelCause::kDrain) {
    absl::MutexLock lock(&mutex_);
    ++cancelled_[call.method().name()];
  }
  return status;
}

std::string DrainReport::CancelledMethods() const {
  absl::MutexLock lock(&mutex_);
  return absl::StrJoin(cancelled_, ", ", [](std::string* out, const auto& method) {
    absl::StrAppend(out, method.second, " of ", method.first);
  });
}

}  // namespace weft::app
