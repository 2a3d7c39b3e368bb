#include "platform/observability/tracing/fiber_context.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "opentelemetry/context/runtime_context.h"
#include "opentelemetry/trace/context.h"
#include "opentelemetry/trace/default_span.h"
#include "platform/fiber/fiber_local.h"

namespace weft::observability {
namespace {

namespace context = opentelemetry::context;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

}  // namespace

namespace internal {

// One place in a trace. Ids and context describe the same span; either may be made from the other
// when first asked for.
struct ContextFrame {
  void SetIds(const TraceIds& new_ids) {
    ids = new_ids;
    std::atomic_signal_fence(std::memory_order_release);
    has_ids = true;
  }

  TraceIds ids;
  Tracestate tracestate;
  context::Context context;
  bool has_ids = false;  // true last, for signal handlers that look
  bool has_context = false;
  bool began_here = false;
  bool attached = false;  // by OpenTelemetry's Attach; a token will ask for its end
};

// What has been made current on a fiber and not ended, innermost last. A copy, which is what a
// child fiber gets, holds the innermost alone.
class ContextStack {
 public:
  ContextStack() = default;
  ContextStack(const ContextStack& other) { *this = other; }
  ContextStack& operator=(const ContextStack& other) {
    if (this == &other) return *this;
    frames_.clear();
    if (!other.frames_.empty()) {
      frames_.push_back(other.frames_.back());
      frames_.back().attached = false;
    }
    return *this;
  }

  size_t depth() const { return frames_.size(); }
  ContextFrame* top() { return frames_.empty() ? nullptr : &frames_.back(); }
  ContextFrame& Push() {
    const Changing changing(*this);
    return frames_.emplace_back();
  }
  void PopTo(size_t depth) {
    const Changing changing(*this);
    while (frames_.size() > depth) frames_.pop_back();
  }

  // The ids of the innermost frame that has some; also in a signal handler that has interrupted any
  // of the above, which then finds none.
  TraceIds PeekIds() const {
    if (changing_) return {};
    std::atomic_signal_fence(std::memory_order_acquire);
    for (size_t i = frames_.size(); i > 0; --i) {
      if (frames_[i - 1].has_ids) return frames_[i - 1].ids;
    }
    return {};
  }

  nostd::shared_ptr<trace::Span> RecordedSpan() const {
    for (const ContextFrame& frame : frames_) {
      if (!frame.has_context) continue;
      const context::ContextValue value = frame.context.GetValue(trace::kSpanKey);
      if (!nostd::holds_alternative<nostd::shared_ptr<trace::Span>>(value)) continue;
      const auto& span = nostd::get<nostd::shared_ptr<trace::Span>>(value);
      if (span->IsRecording()) return span;
    }
    return nostd::shared_ptr<trace::Span>();
  }

  // Ends the innermost frame that the token's context was attached to, and those inside it.
  bool Detach(const context::Token& token) {
    for (size_t i = frames_.size(); i > 0; --i) {
      const ContextFrame& frame = frames_[i - 1];
      if (frame.attached && token == frame.context) {
        PopTo(i - 1);
        return true;
      }
    }
    return false;
  }

  const PendingSpan* pending = nullptr;  // never copied to a child

 private:
  class Changing {
   public:
    explicit Changing(ContextStack& stack) : stack_(stack) {
      stack_.changing_ = true;
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    ~Changing() {
      std::atomic_signal_fence(std::memory_order_seq_cst);
      stack_.changing_ = false;
    }

   private:
    ContextStack& stack_;
  };

  bool changing_ = false;
  absl::InlinedVector<ContextFrame, 1> frames_;
};

}  // namespace internal

namespace {

using internal::ContextFrame;
using internal::ContextStack;

FiberLocal<ContextStack>& Stacks() {
  static auto* stacks = new FiberLocal<ContextStack>;  // never destroyed: threads outlive statics
  return *stacks;
}

void NeedIds(ContextFrame& frame) {
  if (frame.has_ids) return;
  TraceIds ids;
  const context::ContextValue value = frame.context.GetValue(trace::kSpanKey);
  if (nostd::holds_alternative<nostd::shared_ptr<trace::Span>>(value)) {
    const auto& span = nostd::get<nostd::shared_ptr<trace::Span>>(value);
    ids = ToTraceIds(span->GetContext());
  }
  if (ids.trace_id != frame.ids.trace_id) frame.tracestate.reset();
  frame.SetIds(ids);
}

const context::Context& NeedContext(ContextFrame& frame) {
  if (!frame.has_context) {
    frame.has_context = true;
    frame.context =
        context::Context(trace::kSpanKey, nostd::shared_ptr<trace::Span>(new trace::DefaultSpan(
                                              ToSpanContext(frame.ids, /*is_remote=*/false))));
  }
  return frame.context;
}

class FiberContextStorage final : public context::RuntimeContextStorage {
 public:
  context::Context GetCurrent() noexcept override { return CurrentContext(); }

  nostd::unique_ptr<context::Token> Attach(const context::Context& attached) noexcept override {
    ContextStack& stack = Stacks().Get();
    TraceIds outer_ids;
    Tracestate outer_tracestate;
    if (ContextFrame* outer = stack.top()) {
      NeedIds(*outer);
      outer_ids = outer->ids;
      outer_tracestate = outer->tracestate;
    }
    ContextFrame& frame = stack.Push();
    frame.ids = outer_ids;  // until NeedIds, which compares the traces
    frame.tracestate = std::move(outer_tracestate);
    frame.context = attached;
    frame.has_context = true;
    frame.attached = true;
    return CreateToken(attached);
  }

  bool Detach(context::Token& token) noexcept override {
    ContextStack* stack = Stacks().GetIfSet();
    return stack != nullptr && stack->Detach(token);
  }
};

}  // namespace

void InstallFiberContext() {
  static const bool installed = [] {
    context::RuntimeContext::SetRuntimeContextStorage(
        nostd::shared_ptr<context::RuntimeContextStorage>(new FiberContextStorage));
    return true;
  }();
  static_cast<void>(installed);
}

TraceIds CurrentTraceIds() {
  ContextStack* stack = Stacks().GetIfSet();
  ContextFrame* frame = stack == nullptr ? nullptr : stack->top();
  if (frame == nullptr) return {};
  NeedIds(*frame);
  return frame->ids;
}

bool TraceBeganHere() {
  ContextStack* stack = Stacks().GetIfSet();
  return stack != nullptr && stack->top() != nullptr && stack->top()->began_here;
}

void SetTraceBeganHere() { Stacks().Get().top()->began_here = true; }

Tracestate CurrentTracestate() {
  ContextStack* stack = Stacks().GetIfSet();
  ContextFrame* frame = stack == nullptr ? nullptr : stack->top();
  if (frame == nullptr) return nullptr;
  NeedIds(*frame);
  return frame->tracestate;
}

bool DescribeTrace(const FiberLocals& locals, char* text, size_t size) noexcept {
  const ContextStack* const stack = Stacks().FindIn(locals);
  const TraceIds ids = stack == nullptr ? TraceIds{} : stack->PeekIds();
  const std::array<char, 32> digits = ToHex(ids.trace_id);
  if (!ids.valid() || size <= digits.size()) return false;
  for (size_t i = 0; i < digits.size(); ++i) text[i] = digits[i];
  text[digits.size()] = '\0';
  return true;
}

nostd::shared_ptr<trace::Span> RecordedSpan(const FiberLocals& locals) {
  const ContextStack* const stack = Stacks().FindIn(locals);
  return stack == nullptr ? nostd::shared_ptr<trace::Span>() : stack->RecordedSpan();
}

trace::SpanContext ToSpanContext(const TraceIds& ids, bool is_remote) {
  using TraceIdBytes = nostd::span<const uint8_t, trace::TraceId::kSize>;
  using SpanIdBytes = nostd::span<const uint8_t, trace::SpanId::kSize>;
  return trace::SpanContext(trace::TraceId(TraceIdBytes(ids.trace_id.data(), ids.trace_id.size())),
                            trace::SpanId(SpanIdBytes(ids.span_id.data(), ids.span_id.size())),
                            trace::TraceFlags(ids.flags), is_remote);
}

TraceIds ToTraceIds(const trace::SpanContext& context) {
  TraceIds ids;
  std::memcpy(ids.trace_id.data(), context.trace_id().Id().data(), ids.trace_id.size());
  std::memcpy(ids.span_id.data(), context.span_id().Id().data(), ids.span_id.size());
  ids.flags = context.trace_flags().flags();
  return ids;
}

context::Context CurrentContext() {
  ContextStack* stack = Stacks().GetIfSet();
  ContextFrame* frame = stack == nullptr ? nullptr : stack->top();
  return frame == nullptr ? context::Context() : NeedContext(*frame);
}

const context::Context* CurrentContextIfMade() {
  ContextStack* stack = Stacks().GetIfSet();
  ContextFrame* frame = stack == nullptr ? nullptr : stack->top();
  return frame == nullptr || !frame->has_context ? nullptr : &frame->context;
}

ScopedTrace::ScopedTrace(const TraceIds& ids, Tracestate tracestate)
    : stack_(Stacks().Get()), depth_(stack_.depth()) {
  ContextFrame& frame = stack_.Push();
  frame.tracestate = std::move(tracestate);
  frame.SetIds(ids);
}

ScopedTrace::ScopedTrace(const TraceIds& ids, Tracestate tracestate, context::Context context)
    : ScopedTrace(ids, std::move(tracestate)) {
  SetContext(std::move(context));
}

void ScopedTrace::SetContext(context::Context context) {
  ContextFrame& frame = *stack_.top();
  frame.context = std::move(context);
  frame.has_context = true;
}

ScopedTrace::~ScopedTrace() { stack_.PopTo(depth_); }

ScopedPendingSpan::ScopedPendingSpan(const PendingSpan& span)
    : span_(span), stack_(Stacks().Get()) {
  stack_.pending = &span_;
}

ScopedPendingSpan::~ScopedPendingSpan() { stack_.pending = nullptr; }

const PendingSpan* CurrentPendingSpan() {
  const ContextStack* stack = Stacks().GetIfSet();
  return stack == nullptr ? nullptr : stack->pending;
}

}  // namespace weft::observability
