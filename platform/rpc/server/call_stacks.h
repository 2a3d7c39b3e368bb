// CallStacks: which size of stack (fiber/stack_size.h) the calls of a server run on, interceptors
// included. Children that a handler spawns have a size of their own (TaskGroup::Options::stack).
#ifndef WEFT_PLATFORM_RPC_SERVER_CALL_STACKS_H_
#define WEFT_PLATFORM_RPC_SERVER_CALL_STACKS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/fiber/stack_size.h"
#include "platform/rpc/method.h"
#include "platform/rpc/server/service.h"

namespace weft::rpc {

struct CallStacks {
  StackSize unary = StackSize::kDefault;
  StackSize streaming = StackSize::kDefault;  // the three other kinds
  // Of single methods, whatever their kind: "shop.v1.Shop/Get".
  absl::flat_hash_map<std::string, StackSize> methods = {};

  StackSize Of(const MethodDescriptor& method) const;
  // INVALID_ARGUMENT naming an entry of `methods` that none of the services has.
  absl::Status CheckMethods(const std::vector<Service*>& services) const;
};

// "unary=small,shop.v1.Shop/Get=large": pairs of "unary", "streaming" or a method's name, and a
// StackSizeName. Empty: all are default. Errors: INVALID_ARGUMENT naming the pair and what would
// do. Any thread.
absl::StatusOr<CallStacks> ParseCallStacks(absl::string_view text);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_CALL_STACKS_H_
