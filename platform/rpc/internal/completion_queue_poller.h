// CompletionQueuePoller: a shard waits *in* gRPC's completion queue. This is where fibers and gRPC
// meet; one turn of the loop goes through Wait():
//
//   1. Flush: start every batch that fibers have submitted since the last turn, those of one
//      connection together. gRPC writes each reply by itself; from two on, what it writes is held
//      back and leaves as one (connection.h).
//   2. Wait in the queue for the first event.
//   3. Gather: while events keep coming, take more, up to kMaxGather, before any fiber runs. More
//      fibers then run in one turn, and more replies leave together.
//
// Each event is an Operation's Notify(), which wakes fibers; the shard runs them after Wait().
//
// Wake-ups from other threads ring a doorbell: a gRPC alarm that fires at once. An alarm costs
// several microseconds, so the shard asks for one only while it is blocked, and it is never set
// again before its tag has come back.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_COMPLETION_QUEUE_POLLER_H_
#define WEFT_PLATFORM_RPC_INTERNAL_COMPLETION_QUEUE_POLLER_H_

#include <grpc/grpc.h>
#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <vector>

#include "platform/fiber/poller.h"
#include "platform/rpc/internal/operation.h"

namespace weft::rpc::internal {

class CompletionQueuePoller final : public Poller {
 public:
  // Events handled in one turn: bounds the time until fibers run.
  static constexpr int kMaxGather = 64;
  // A look in vain is a system call, so it is made again only where it hardly counts.
  static constexpr int kLooksAfterLongTurn = 4;
  static constexpr int64_t kLongTurnNanos = 500'000;
  // While single events come one by one, looking for a second one costs a system call for nothing;
  // so a cold queue looks only once in so many turns.
  static constexpr int kColdProbe = 16;
  // Turns without traffic until a queue counts as cold. Going cold too early is dear: events that
  // are there already would be handled one a turn.
  static constexpr int kWarmTurns = 32;

  // `queue` outlives the poller. `clock` is that of the runtime. On one that is not the real one,
  // Wait() may return before its deadline: it waits for as long as is left by then.
  CompletionQueuePoller(grpc::CompletionQueue* queue, const Clock& clock);
  ~CompletionQueuePoller() override = default;

  size_t Wait(int64_t deadline_nanos) override;
  void Wake() override;

  // Queues `batch` for the next flush. The shard's thread only.
  void Submit(Batch& batch);

  grpc_completion_queue* core() const { return core_; }

  // The poller of the calling shard; null where the caller is on none, or on one that polls
  // something else.
  static CompletionQueuePoller* Current();

 private:
  void Flush();
  void StartTogether(HoldsWrites& connection);
  void Start(Batch& batch);
  bool Handle(const grpc_event& event);

  grpc::CompletionQueue* const queue_;
  grpc_completion_queue* const core_;
  const Clock& clock_;
  Batch* submitted_head_ = nullptr;
  Batch* submitted_tail_ = nullptr;
  std::vector<HoldsWrites*> connections_in_flush_;
  int warmth_ = 0;
  int turns_since_probe_ = 0;
  int64_t returned_nanos_ = 0;  // when fibers began to run

  grpc::Alarm doorbell_;
  std::atomic<bool> doorbell_rung_{false};
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_COMPLETION_QUEUE_POLLER_H_
