#include "platform/rpc/internal/completion_queue_poller.h"

#include <algorithm>
#include <utility>

#include "platform/base/check.h"
#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/internal/timespec.h"

namespace weft::rpc::internal {

CompletionQueuePoller::CompletionQueuePoller(grpc::CompletionQueue* queue, const Clock& clock)
    : queue_(queue), core_(queue->cq()), clock_(clock) {}

CompletionQueuePoller* CompletionQueuePoller::Current() {
  return dynamic_cast<CompletionQueuePoller*>(Runtime::CurrentPoller());
}

size_t CompletionQueuePoller::Wait(int64_t deadline_nanos) {
  Flush();
  // Whoever has computed for long has let events gather on many connections.
  const int looks =
      Clock::Real().MonotonicNanos() - returned_nanos_ > kLongTurnNanos ? kLooksAfterLongTurn : 1;
  int events = 0;
  // gRPC rounds the deadline up to milliseconds.
  if (Handle(grpc_completion_queue_next(core_, ToTimespec(deadline_nanos, clock_), nullptr))) {
    ++events;
    if (warmth_ > 0 || ++turns_since_probe_ >= kColdProbe) {
      turns_since_probe_ = 0;
      const gpr_timespec now = gpr_inf_past(GPR_CLOCK_MONOTONIC);
      // Each look reads from one connection at most, which may end no call: one look in vain does
      // not say that the other connections have nothing.
      for (int in_vain = 0; events < kMaxGather && in_vain < looks;) {
        const bool found = Handle(grpc_completion_queue_next(core_, now, nullptr));
        in_vain = found ? 0 : in_vain + 1;
        events += found ? 1 : 0;
      }
      // One event is the request, one the tag of the reply before: more is traffic.
      warmth_ = events > 2 ? kWarmTurns : std::max(0, warmth_ - 1);
    }
  }
  returned_nanos_ = Clock::Real().MonotonicNanos();
  return static_cast<size_t>(events);
}

// True when there was an event.
bool CompletionQueuePoller::Handle(const grpc_event& event) {
  if (event.type != GRPC_OP_COMPLETE) return false;
  if (Operation* const operation = Operation::FromTag(event.tag)) {
    operation->Notify(event.success != 0);
    return true;
  }
  // Not ours: the doorbell, which the C++ layer must be told of.
  void* tag = event.tag;
  bool ok = event.success != 0;
  static_cast<grpc::internal::CompletionQueueTag*>(tag)->FinalizeResult(&tag, &ok);
  doorbell_rung_.store(false, std::memory_order_release);
  return true;
}

void CompletionQueuePoller::Wake() {
  if (doorbell_rung_.exchange(true, std::memory_order_acq_rel)) return;
  doorbell_.Set(queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), this);
}

void CompletionQueuePoller::Submit(Batch& batch) {
  batch.next_ = nullptr;
  (submitted_head_ == nullptr ? submitted_head_ : submitted_tail_->next_) = &batch;
  submitted_tail_ = &batch;
}

void CompletionQueuePoller::Flush() {
  Batch* batch = std::exchange(submitted_head_, nullptr);
  while (batch != nullptr) {
    // Once it is started, a batch may come back and be submitted again.
    Batch* const next = std::exchange(batch->next_, nullptr);
    if (HoldsWrites* const connection = batch->connection()) {
      if (connection->flush_head_ == nullptr) {
        connections_in_flush_.push_back(connection);
        connection->flush_head_ = batch;
      } else {
        connection->flush_tail_->next_ = batch;
      }
      connection->flush_tail_ = batch;
    } else {
      Start(*batch);
    }
    batch = next;
  }
  for (HoldsWrites* const connection : connections_in_flush_) StartTogether(*connection);
  connections_in_flush_.clear();
}

// Holding writes costs a system call or two, so it pays from two batches on.
void CompletionQueuePoller::StartTogether(HoldsWrites& connection) {
  Batch* batch = std::exchange(connection.flush_head_, nullptr);
  const bool together = batch->next_ != nullptr;
  if (together) connection.HoldWrites();
  while (batch != nullptr) {
    Batch* const next = std::exchange(batch->next_, nullptr);
    Start(*batch);
    batch = next;
  }
  if (together) connection.ReleaseWrites();
}

void CompletionQueuePoller::Start(Batch& batch) {
  grpc_op ops[Batch::kMaxOps] = {};
  const int count = batch.Fill(ops);
  const grpc_call_error error =
      grpc_call_start_batch(batch.call(), ops, static_cast<size_t>(count), batch.tag(), nullptr);
  Check(error == GRPC_CALL_OK, "gRPC refused a batch: a bug in the order of a call's operations");
  batch.Started();
}

}  // namespace weft::rpc::internal
