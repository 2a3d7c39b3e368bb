// CancelCause: why work is given up. One list for statuses, spans and metrics.
#ifndef WEFT_PLATFORM_FIBER_CANCEL_CAUSE_H_
#define WEFT_PLATFORM_FIBER_CANCEL_CAUSE_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace weft {

enum class CancelCause {
  kNone,
  kClientGone,        // the peer cancelled, or its connection broke
  kDeadline,          // the scope's own deadline, or that of a scope round it
  kSiblingFailed,     // another child of the same TaskGroup failed
  kSiblingSucceeded,  // another one won the race
  kDrain,             // the process is shutting down
  kOverload,          // shed to protect the rest
  kByHand,            // Cancel() without a better reason
};
inline constexpr size_t kCancelCauses = 8;  // kNone counts

// In words, for people: "client gone", "deadline", … Never empty.
absl::string_view CancelCauseName(CancelCause cause);
// The same as one word, for attributes and labels of telemetry: "client_gone", …
absl::string_view CancelCauseLabel(CancelCause cause);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CANCEL_CAUSE_H_
