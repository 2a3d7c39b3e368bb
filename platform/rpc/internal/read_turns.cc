#include "platform/rpc/internal/read_turns.h"

#include "platform/rpc/internal/fair_reads.h"

namespace weft::rpc::internal {

void ReadTurns::Add(int descriptor) {
  runtime_.Post(shard_, [self = shared_from_this(), descriptor] {
    self->waiting_.push_back(descriptor);
    if (self->waiting_.size() == 1) self->AwaitTurn();
  });
}

// What is posted on the loop runs in its next turn.
void ReadTurns::AwaitTurn() {
  runtime_.Post(shard_, [self = shared_from_this()] { self->TakeTurn(); });
}

void ReadTurns::TakeTurn() {
  FairReads::Resume(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty()) AwaitTurn();
}

}  // namespace weft::rpc::internal
