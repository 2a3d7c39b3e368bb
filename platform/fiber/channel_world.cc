#include "platform/fiber/channel_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "platform/fiber/select.h"

namespace weft {
namespace {

using Value = ModelledChannel::Value;

std::optional<int> IdOf(const std::optional<Value>& value) {
  return value.has_value() ? std::optional<int>(**value) : std::nullopt;
}

// Ends a receive that was a case of a Select, and fired or did not.
void EndReceive(ModelledChannel& from, Step called, bool fired, const std::optional<Value>& got) {
  from.EndReceive(called, fired ? IdOf(got) : std::nullopt);
  EXPECT_TRUE(!fired || got.has_value() || from.channel.closed());
}

void EndSend(ModelledChannel& to, Step called, int id, bool fired, const absl::Status& result,
             const Value& value) {
  const bool sent = fired && result.ok();
  EXPECT_EQ(value == nullptr, sent);  // What was not sent is still there.
  to.EndSend(called, id, sent);
  EXPECT_TRUE(!fired || sent || to.channel.closed());
}

}  // namespace

// --- World -----------------------------------------------------------------------------------

void World::CloseAll() {
  for (ModelledChannel& channel : channels) channel.channel.Close();
  broadcast.channel.Close();
  watch.Close();
}

void World::VerifyAllWait() {
  for (ModelledChannel& channel : channels) channel.VerifyAllWait();
  broadcast.VerifyAllWait();
  for (const auto& subscriber : subscribers) subscriber->VerifyAllWait();
  for (const auto& watcher : watchers) watcher->VerifyAllWait(watch);
}

void World::Verify() {
  for (ModelledChannel& channel : channels) {
    for (bool left = true; left;) {
      const Step called = channel.BeginReceive();
      const std::optional<Value> value = channel.channel.TryReceive();
      left = value.has_value();
      channel.EndReceive(called, IdOf(value));
    }
    options.one_shard ? channel.VerifyOneShard() : channel.VerifyManyShards();
  }
  for (const auto& subscriber : subscribers) subscriber->Verify();
  for (const auto& watcher : watchers) watcher->Verify(updates);
  EXPECT_EQ(*watch.Get(), updates);
}

// --- Worker ----------------------------------------------------------------------------------

Worker::Worker(World& world, unsigned seed, bool broadcasts)
    : world_(world), random_(seed), broadcasts_(broadcasts) {
  random_.discard(10);  // Neighbouring seeds begin alike.
  std::lock_guard<std::mutex> hold(world_.mutex);
  watcher_ = world_.watchers.emplace_back(std::make_unique<Watcher>(world_.watch)).get();
}

void Worker::Run(int turns) {
  Subscribe();
  for (int turn = 0; turn < turns; ++turn) {
    deadline_ = world_.options.for_ever && Below(8) == 0 ? absl::InfiniteFuture() : Soon();
    if (Below(3) != 0) {
      Turn();
      continue;
    }
    CancelScope scope({.deadline = Below(2) == 0 ? absl::InfiniteFuture() : Soon()});
    if (world_.options.one_shard) world_.scopes.push_back(&scope);
    Turn();
    if (world_.options.one_shard) std::erase(world_.scopes, &scope);
  }
  subscriber_->Unsubscribe();
}

void Worker::Turn() {
  switch (Below(13)) {
    case 0:
      return Send(AnyChannel());
    case 1:
      return TrySend(AnyChannel());
    case 2:
      return Receive(AnyChannel());
    case 3:
      return TryReceive(AnyChannel());
    case 4:
      return SelectReceives(AnyChannel(), AnyChannel());
    case 5:
      return SelectSends(AnyChannel(), AnyChannel());
    case 6:
      return SelectBoth(AnyChannel(), AnyChannel());
    case 7:
      return SelectAll(AnyChannel());
    case 8:
      return Broadcast();
    case 9:
      return ReceiveBroadcast();
    case 10:
      return Watch();
    case 11:
      return Below(4) == 0 ? Subscribe() : Pause();
    default:
      return Below(4) == 0 ? CancelSomebody() : Pause();
  }
}

// An error has its reason.
void Worker::Explain(const absl::Status& status, bool closed) {
  const CancelScope* const scope = CancelScope::Current();
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      EXPECT_TRUE(closed) << status;
      return;
    case absl::StatusCode::kDeadlineExceeded:
      EXPECT_LE(scope == nullptr ? deadline_ : std::min(deadline_, scope->deadline()), weft::Now())
          << status;
      return;
    case absl::StatusCode::kCancelled:
      EXPECT_TRUE(scope != nullptr && scope->cancelled()) << status;
      return;
    default:
      ADD_FAILURE() << status;
  }
}

void Worker::Pause() {
  weft::SleepFor(static_cast<int>(Below(3)) * world_.options.tick).IgnoreError();
}

void Worker::CancelSomebody() {
  if (!world_.scopes.empty()) world_.scopes[Below(world_.scopes.size())]->Cancel();
}

// --- One thing -------------------------------------------------------------------------------

void Worker::Send(ModelledChannel& to) {
  const int id = world_.next_id++;
  const Step called = to.BeginSend();
  const absl::Status sent = to.channel.Send(std::make_unique<int>(id), deadline_);
  to.EndSend(called, id, sent.ok());
  Explain(sent, to.channel.closed());
}

void Worker::TrySend(ModelledChannel& to) {
  const int id = world_.next_id++;
  const Step called = to.BeginSend();
  to.EndSend(called, id, to.channel.TrySend(std::make_unique<int>(id)));
}

void Worker::Receive(ModelledChannel& from) {
  const Step called = from.BeginReceive();
  const absl::StatusOr<Value> value = from.channel.ReceiveOr(deadline_);
  from.EndReceive(called, value.ok() ? std::optional<int>(**value) : std::nullopt);
  Explain(value.status(), from.channel.closed());
}

void Worker::TryReceive(ModelledChannel& from) {
  const Step called = from.BeginReceive();
  from.EndReceive(called, IdOf(from.channel.TryReceive()));
}

void Worker::Broadcast() {
  if (!broadcasts_) return;
  const int id = world_.next_id++;
  const Step called = world_.broadcast.BeginSend();
  const absl::Status sent = world_.broadcast.channel.Send(id, deadline_);
  world_.broadcast.EndSend(called, id, sent.ok());
  Explain(sent, world_.broadcast.channel.closed());
}

void Worker::ReceiveBroadcast() {
  subscriber_->Begin();
  const absl::StatusOr<int> value = subscriber_->receiver().ReceiveOr(deadline_);
  subscriber_->End(value);
  if (!absl::IsDataLoss(value.status())) Explain(value.status(), world_.broadcast.channel.closed());
}

void Worker::Subscribe() {
  if (subscriber_ != nullptr) subscriber_->Unsubscribe();
  std::lock_guard<std::mutex> hold(world_.mutex);
  subscriber_ =
      world_.subscribers.emplace_back(std::make_unique<Subscriber>(world_.broadcast)).get();
}

void Worker::Watch() {
  switch (Below(3)) {
    case 0:
      if (world_.watch.Update([](int& value) { ++value; }).ok()) ++world_.updates;
      return;
    case 1:
      return watcher_->NoteGet(*watcher_->receiver.Get());
    default:
      watcher_->Begin();
      const auto now = watcher_->receiver.Changed(deadline_);
      watcher_->End(now);
      Explain(now.status(), world_.watch.closed());
  }
}

// --- One of several --------------------------------------------------------------------------

// The case that has fired, of `cases` and a timer.
template <typename... Cases>
std::optional<size_t> Worker::AnyOf(Cases&&... cases) {
  std::optional<size_t> fired;
  if (Below(4) == 0) {
    fired = TrySelect(std::forward<Cases>(cases)...);
  } else {
    const absl::StatusOr<size_t> selected = Select(std::forward<Cases>(cases)..., At(deadline_));
    Explain(selected.status(), /*closed=*/false);
    if (selected.ok() && *selected < sizeof...(cases)) fired = *selected;
    if (selected.ok() && !fired.has_value()) {
      EXPECT_LE(deadline_, weft::Now());
    }
  }
  fired_ += fired.has_value();
  return fired;
}

void Worker::SelectReceives(ModelledChannel& a, ModelledChannel& b) {
  std::optional<Value> got;
  const auto keep = [&](std::optional<Value> value) { got = std::move(value); };
  const Step called_a = a.BeginReceive();
  const Step called_b = b.BeginReceive();
  const std::optional<size_t> fired =
      AnyOf(weft::Receive(a.channel, keep), weft::Receive(b.channel, keep));
  EndReceive(a, called_a, fired == 0u, got);
  EndReceive(b, called_b, fired == 1u, got);
}

void Worker::SelectSends(ModelledChannel& a, ModelledChannel& b) {
  const int id_a = world_.next_id++;
  const int id_b = world_.next_id++;
  Value for_a = std::make_unique<int>(id_a);
  Value for_b = std::make_unique<int>(id_b);
  absl::Status sent;
  const auto keep = [&](absl::Status status) { sent = std::move(status); };
  const Step called_a = a.BeginSend();
  const Step called_b = b.BeginSend();
  const std::optional<size_t> fired =
      AnyOf(weft::Send(a.channel, for_a, keep), weft::Send(b.channel, for_b, keep));
  EndSend(a, called_a, id_a, fired == 0u, sent, for_a);
  EndSend(b, called_b, id_b, fired == 1u, sent, for_b);
}

void Worker::SelectBoth(ModelledChannel& from, ModelledChannel& to) {
  if (&from == &to) return;  // It would look as if a sender and a receiver missed each other.
  const int id = world_.next_id++;
  Value value = std::make_unique<int>(id);
  std::optional<Value> got;
  absl::Status sent;
  const Step called_from = from.BeginReceive();
  const Step called_to = to.BeginSend();
  const std::optional<size_t> fired =
      AnyOf(weft::Receive(from.channel, [&](std::optional<Value> v) { got = std::move(v); }),
            weft::Send(to.channel, value, [&](absl::Status s) { sent = std::move(s); }));
  EndReceive(from, called_from, fired == 0u, got);
  EndSend(to, called_to, id, fired == 1u, sent, value);
}

void Worker::SelectAll(ModelledChannel& from) {
  std::optional<Value> got;
  subscriber_->Begin();
  watcher_->Begin();
  const Step called = from.BeginReceive();
  const std::optional<size_t> fired = AnyOf(
      weft::Receive(subscriber_->receiver(),
                    [&](absl::StatusOr<int> value) { subscriber_->End(value); }),
      weft::Receive(from.channel, [&](std::optional<Value> value) { got = std::move(value); }),
      Changed(watcher_->receiver,
              [&](absl::StatusOr<std::shared_ptr<const int>> now) { watcher_->End(now); }));
  EndReceive(from, called, fired == 1u, got);
  subscriber_->EndWithout();
  watcher_->EndWithout();
}

}  // namespace weft
