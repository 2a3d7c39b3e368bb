#include "platform/fiber/task_group.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/scope_access.h"

namespace weft {
namespace internal {

void TaskNode::Run() {
  try {
    status_ = Invoke();
  } catch (const std::exception& e) {
    status_ = absl::InternalError(absl::StrCat("a task threw an exception: ", e.what()));
  } catch (...) {
    status_ = absl::InternalError("a task threw something that is no std::exception");
  }
}

void TaskNode::Finished() { group_->OnFinished(*this); }

}  // namespace internal

namespace {

uint64_t CallingFiberId() {
  const internal::FiberRecord* const fiber = internal::CurrentFiber();
  Check(fiber != nullptr, "a TaskGroup is made on a fiber");
  return fiber->id;
}

}  // namespace

TaskGroup::TaskGroup(const CancelScope::Options& options)
    : owner_id_(CallingFiberId()),
      scope_(CancelScope::NotEntered{}, options.shield ? nullptr : CancelScope::Current(),
             internal::ToDeadlineNanos(options.deadline)) {}

TaskGroup::~TaskGroup() {
  if (running_ > 0) {
    Cancel(CancelCause::kByHand, "the task group was left");
    Wait().IgnoreError();
  }
  // One by one: a recursive destruction of the list would use stack for each child.
  while (nodes_ != nullptr) nodes_ = std::move(nodes_->next_);
}

void TaskGroup::Start(const char* name, std::unique_ptr<internal::TaskNode> node) {
  internal::TaskNode& started = *node;
  node->next_ = std::move(nodes_);
  nodes_ = std::move(node);
  ++running_;
  if (!internal::StartFiber(started, {.name = name,
                                      .scope = &scope_,
                                      .parent_id = owner_id_,
                                      .group = this,
                                      .inherit_locals = true})) {
    started.status_ = absl::ResourceExhaustedError(
        "no fiber for a task: RuntimeOptions::max_fibers_per_shard or memory is used up");
    OnFinished(started);
  }
}

void TaskGroup::OnFinished(internal::TaskNode& node) {
  --running_;
  if (!node.status().ok() && first_failure_.ok()) {
    first_failure_ = node.status();
    scope_.Cancel(CancelCause::kSiblingFailed, first_failure_.message());
  }
  if (running_ == 0 && joiner_ != nullptr) internal::Wake(*joiner_);
}

absl::Status TaskGroup::Wait() {
  while (running_ > 0) {
    Check(joiner_ == nullptr, "a TaskGroup is waited for by one fiber");
    internal::Waiter waiter({.kind = "task group", .object = this});
    joiner_ = &waiter;
    internal::ParkUncancellable(waiter);
    joiner_ = nullptr;
  }
  return first_failure_;
}

}  // namespace weft
