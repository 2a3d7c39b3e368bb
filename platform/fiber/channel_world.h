// Channels of every kind, and workers that do random things with them: what the model test (one
// shard, many orders) and the stress test (many shards, real threads) have in common.
#ifndef WEFT_PLATFORM_FIBER_CHANNEL_WORLD_H_
#define WEFT_PLATFORM_FIBER_CHANNEL_WORLD_H_

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "platform/fiber/broadcast_model.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel_model.h"
#include "platform/fiber/fiber.h"

namespace weft {

struct WorldOptions {
  std::vector<size_t> capacities = {0, 0, 1, 3};
  SlowReceiver slow = SlowReceiver::kLags;
  absl::Duration tick = absl::Milliseconds(1);  // of random deadlines
  bool one_shard = true;
  bool for_ever = true;  // waits may have no deadline: somebody has to close the channels in time
};

struct World {
  explicit World(const WorldOptions& world_options)
      : options(world_options), broadcast(2, options.slow, steps) {
    for (const size_t capacity : options.capacities) channels.emplace_back(capacity, steps);
  }

  void CloseAll();
  // With one shard, while all fibers wait.
  void VerifyAllWait();
  // After CloseAll() and the workers' ends.
  void Verify();

  const WorldOptions options;
  StepCounter steps;
  std::deque<ModelledChannel> channels;
  ModelledBroadcast broadcast;
  WatchChannel<int> watch{0};
  std::atomic<int> updates{0};
  std::atomic<int> next_id{0};
  std::mutex mutex;  // of the lists
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  std::vector<std::unique_ptr<Watcher>> watchers;
  std::vector<CancelScope*> scopes;  // of workers that may be cancelled; with one shard only
};

// A fiber's random work.
class Worker {
 public:
  // `broadcasts`: sends to the broadcast channel too. With several shards one worker does, so that
  // the order of its values is known.
  Worker(World& world, unsigned seed, bool broadcasts);

  void Run(int turns);
  // Selects that have fired another case than their timer's.
  int fired() const { return fired_; }

 private:
  using Value = ModelledChannel::Value;

  size_t Below(size_t n) { return random_() / 7 % n; }
  absl::Time Soon() { return weft::Now() + static_cast<int>(Below(4)) * world_.options.tick; }
  ModelledChannel& AnyChannel() { return world_.channels[Below(world_.channels.size())]; }

  void Turn();
  void Explain(const absl::Status& status, bool closed);
  void Pause();
  void CancelSomebody();

  // One thing.
  void Send(ModelledChannel& to);
  void TrySend(ModelledChannel& to);
  void Receive(ModelledChannel& from);
  void TryReceive(ModelledChannel& from);
  void Broadcast();
  void ReceiveBroadcast();
  void Subscribe();
  void Watch();

  // One of several.
  template <typename... Cases>
  std::optional<size_t> AnyOf(Cases&&... cases);
  void SelectReceives(ModelledChannel& a, ModelledChannel& b);
  void SelectSends(ModelledChannel& a, ModelledChannel& b);
  void SelectBoth(ModelledChannel& from, ModelledChannel& to);
  void SelectAll(ModelledChannel& from);

  World& world_;
  std::minstd_rand random_;
  const bool broadcasts_;
  absl::Time deadline_ = absl::InfiniteFuture();  // of this turn
  Subscriber* subscriber_ = nullptr;
  Watcher* watcher_ = nullptr;
  int fired_ = 0;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CHANNEL_WORLD_H_
