// ReadTurns: the connections of one shard that rest (fair_reads.h) go on one at a time, one in each
// turn of the shard's loop: so that many of them bring no more calls than one does.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_READ_TURNS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_READ_TURNS_H_

#include <deque>
#include <memory>

#include "platform/fiber/runtime.h"

namespace weft::rpc::internal {

// Kept by what it has posted, so that nothing is left resting when its server is gone. `runtime`
// outlives the server, and runs every post before it ends.
class ReadTurns : public std::enable_shared_from_this<ReadTurns> {
 public:
  ReadTurns(Runtime& runtime, int shard) : runtime_(runtime), shard_(shard) {}

  // Any thread.
  void Add(int descriptor);

 private:
  // On the shard's loop, as is all else.
  void AwaitTurn();
  void TakeTurn();

  Runtime& runtime_;
  const int shard_;
  std::deque<int> waiting_;  // at most one for each connection
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_READ_TURNS_H_
