#include "platform/fiber/cancel_cause.h"

namespace weft {
namespace {

struct Words {
  absl::string_view name;
  absl::string_view label;
};

// In the order of the enumerators.
constexpr Words kWords[] = {
    {"not cancelled", "none"},
    {"client gone", "client_gone"},
    {"deadline", "deadline"},
    {"sibling failed", "sibling_failed"},
    {"sibling succeeded", "sibling_succeeded"},
    {"drain", "drain"},
    {"overload", "overload"},
    {"by hand", "by_hand"},
};
static_assert(sizeof(kWords) / sizeof(kWords[0]) == kCancelCauses);
static_assert(static_cast<size_t>(CancelCause::kByHand) == kCancelCauses - 1);

const Words& WordsOf(CancelCause cause) {
  static constexpr Words kUnknown = {"unknown", "unknown"};
  const auto index = static_cast<size_t>(cause);
  return index < kCancelCauses ? kWords[index] : kUnknown;
}

}  // namespace

absl::string_view CancelCauseName(CancelCause cause) { return WordsOf(cause).name; }

absl::string_view CancelCauseLabel(CancelCause cause) { return WordsOf(cause).label; }

}  // namespace weft
