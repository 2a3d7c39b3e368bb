// Operation: what a gRPC completion queue gives back when something it was asked for has ended. One
// typed object with Notify(), so that nobody handles a raw `void*` tag.
//
// The queues also carry tags of gRPC's C++ layer (its Alarm). The two are told apart by the lowest
// bit of the tag: objects are aligned, so it is free; ours have it set.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_OPERATION_H_
#define WEFT_PLATFORM_RPC_INTERNAL_OPERATION_H_

#include <grpc/grpc.h>

#include <cstdint>

#include "platform/base/clock.h"
#include "platform/fiber/internal/waiter.h"

namespace weft::rpc::internal {

class Operation {
 public:
  // Called once for each time the tag was handed to gRPC, on the loop of the shard whose queue it
  // is. Must not park. An operation outlives its tag, always.
  virtual void Notify(bool ok) = 0;

  void* tag() { return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(this) | kOurs); }
  // Null for a tag that is not ours.
  static Operation* FromTag(void* tag) {
    const auto bits = reinterpret_cast<uintptr_t>(tag);
    return (bits & kOurs) == 0 ? nullptr : reinterpret_cast<Operation*>(bits & ~kOurs);
  }

 protected:
  ~Operation() = default;

 private:
  static constexpr uintptr_t kOurs = 1;
};

class Batch;

// A connection whose writes can be held back for a moment and then sent together. No fiber runs
// while they are.
class HoldsWrites {
 public:
  virtual void HoldWrites() = 0;
  virtual void ReleaseWrites() = 0;

 protected:
  ~HoldsWrites() = default;

 private:
  friend class CompletionQueuePoller;
  // The connection's batches in the flush under way, oldest first.
  Batch* flush_head_ = nullptr;
  Batch* flush_tail_ = nullptr;
};

// A batch of operations on a call. It is not handed to gRPC where it is made, on a fiber's small
// stack, but queued with its shard's poller, which starts all queued batches, on the loop's stack,
// before it waits again (completion_queue_poller.h). Notify() follows when gRPC has done it all.
class Batch : public Operation {
 public:
  static constexpr int kMaxOps = 6;

  // Fills `ops` (zeroed, kMaxOps of them) and returns how many; called once a submission, at the
  // start. What they point to lives until Notify().
  virtual int Fill(grpc_op* ops) = 0;
  // Called right after gRPC has taken the ops: it copied what it needs of them.
  virtual void Started() {}
  virtual grpc_call* call() const = 0;
  // The connection whose batches leave together; null for none.
  virtual HoldsWrites* connection() const { return nullptr; }

 protected:
  ~Batch() = default;

 private:
  friend class CompletionQueuePoller;
  Batch* next_ = nullptr;  // in the submission queue, or in its connection's part of a flush
};

// The end of a batch that a fiber parks for.
class Completion {
 public:
  // The batch was submitted.
  void Begin() { pending_ = true; }
  // From Notify(). Wakes the fiber that waits, if one does.
  void End(bool ok) {
    pending_ = false;
    ok_ = ok;
    if (waiter_ != nullptr) weft::internal::Wake(*waiter_);
  }
  // Parks until End(); a cancel point. When it returns a reason other than kNotified the batch is
  // still pending.
  weft::internal::WakeReason Wait(const char* kind, int64_t deadline_nanos = kNeverNanos) {
    return WaitImpl(kind, true, deadline_nanos);
  }
  void WaitUncancellable(const char* kind) { WaitImpl(kind, false, kNeverNanos); }
  // Ends the Wait() under way, if there is one: it returns kNotified, the batch being pending().
  void Interrupt() {
    if (waiter_ != nullptr) weft::internal::Wake(*waiter_);
  }

  // From Begin() until a fiber that waits has seen the end: until then what the batch brought is
  // that fiber's, and nobody else may begin.
  bool pending() const { return pending_ || waiter_ != nullptr; }
  bool ok() const { return ok_; }

 private:
  weft::internal::WakeReason WaitImpl(const char* kind, bool cancellable, int64_t deadline_nanos) {
    if (!pending_) return weft::internal::WakeReason::kNotified;
    weft::internal::Waiter waiter({.kind = kind, .object = this});
    waiter_ = &waiter;
    const weft::internal::WakeReason reason = cancellable
                                                  ? weft::internal::Park(waiter, deadline_nanos)
                                                  : weft::internal::ParkUncancellable(waiter);
    waiter_ = nullptr;
    return pending_ ? reason : weft::internal::WakeReason::kNotified;
  }

  weft::internal::Waiter* waiter_ = nullptr;
  bool pending_ = false;
  bool ok_ = false;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_OPERATION_H_
