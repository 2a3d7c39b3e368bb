#include "platform/rpc/shard_queues.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"
#include "platform/base/cpu_quota.h"
#include "platform/rpc/internal/completion_queue_poller.h"

namespace weft::rpc {

ShardQueues::ShardQueues(int shards) : builder_(std::make_unique<grpc::ServerBuilder>()) {
  // gRPC locks a mutex some twenty times a call; Abseil's lock-order checks cost 8 % of it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const int count = shards > 0 ? shards : AllowedCpus();
  for (int i = 0; i < count; ++i) queues_.push_back(builder_->AddCompletionQueue());
}

std::unique_ptr<grpc::ServerBuilder> ShardQueues::TakeBuilder() { return std::move(builder_); }

ShardQueues::~ShardQueues() {
  for (const std::unique_ptr<grpc::ServerCompletionQueue>& queue : queues_) {
    queue->Shutdown();
    for (;;) {
      const grpc_event event =
          grpc_completion_queue_next(queue->cq(), gpr_inf_future(GPR_CLOCK_MONOTONIC), nullptr);
      if (event.type == GRPC_QUEUE_SHUTDOWN) break;
      // Only a doorbell can be left.
      Check(internal::Operation::FromTag(event.tag) == nullptr,
            "ShardQueues is destroyed while calls are under way");
      void* tag = event.tag;
      bool ok = false;
      static_cast<grpc::internal::CompletionQueueTag*>(tag)->FinalizeResult(&tag, &ok);
    }
  }
}

PollerFactory ShardQueues::Pollers(const Clock& clock) {
  return [this, &clock](int shard) -> std::unique_ptr<Poller> {
    Check(shard < shards(), "the runtime has more shards than there are ShardQueues");
    return std::make_unique<internal::CompletionQueuePoller>(
        queues_[static_cast<size_t>(shard)].get(), clock);
  };
}

}  // namespace weft::rpc
