// StackSize: which of three sizes of stack a fiber runs on. A runtime sets what each one has
// (RuntimeOptions), and keeps its idle stacks apart by it: a fiber never runs on another size than
// it was started with.
//
// Memory is used page by page, as a stack grows, so that a large stack costs address space only. A
// small one is a limit: it bounds what each of very many fibers can come to use.
#ifndef WEFT_PLATFORM_FIBER_STACK_SIZE_H_
#define WEFT_PLATFORM_FIBER_STACK_SIZE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace weft {

enum class StackSize : uint8_t {
  kDefault,  // RuntimeOptions::stack_bytes
  kSmall,    // RuntimeOptions::small_stack_bytes
  kLarge,    // RuntimeOptions::large_stack_bytes
};
inline constexpr size_t kStackSizes = 3;

// "default", "small", "large": for configuration and metrics. Any thread.
constexpr absl::string_view StackSizeName(StackSize size) {
  switch (size) {
    case StackSize::kSmall:
      return "small";
    case StackSize::kLarge:
      return "large";
    case StackSize::kDefault:
      break;
  }
  return "default";
}

// The size of that name; none if there is none.
constexpr std::optional<StackSize> StackSizeNamed(absl::string_view name) {
  for (size_t i = 0; i < kStackSizes; ++i) {
    if (StackSizeName(static_cast<StackSize>(i)) == name) return static_cast<StackSize>(i);
  }
  return std::nullopt;
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_STACK_SIZE_H_
