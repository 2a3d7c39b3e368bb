#include "platform/observability/tracing/fiber_context.h"

#include <gtest/gtest.h>
#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/scope.h>
#include <opentelemetry/trace/tracer.h>

#include <map>
#include <string>
#include <thread>

#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft::observability {
namespace {

namespace memory = opentelemetry::exporter::memory;
namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

TraceIds MakeIds(uint8_t n) {
  TraceIds ids;
  ids.trace_id.fill(n);
  ids.span_id.fill(n);
  return ids;
}

class FiberContextTest : public ::testing::Test {
 protected:
  FiberContextTest() {
    InstallFiberContext();
    auto exporter = std::make_unique<memory::InMemorySpanExporter>();
    data_ = exporter->GetData();
    provider_ = sdk::TracerProviderFactory::Create(
        sdk::SimpleSpanProcessorFactory::Create(std::move(exporter)));
    tracer_ = provider_->GetTracer("test");
  }

  static TraceIds CurrentSpanIds() {
    return ToTraceIds(trace::Tracer::GetCurrentSpan()->GetContext());
  }

  std::shared_ptr<memory::InMemorySpanData> data_;
  std::unique_ptr<sdk::TracerProvider> provider_;
  nostd::shared_ptr<trace::Tracer> tracer_;
};

// The SDK is in a shared object and the storage in this executable: both must mean the same one.
TEST_F(FiberContextTest, TheSdkTakesParentsFromTheFiber) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    auto parent = tracer_->StartSpan("parent");
    trace::Scope scope(parent);
    auto child = tracer_->StartSpan("child");
    EXPECT_EQ(child->GetContext().trace_id(), parent->GetContext().trace_id());
  });
}

TEST_F(FiberContextTest, SiblingsThatInterleaveKeepTheirOwnSpan) {
  Runtime runtime({.shards = 1});
  int wrong = 0;
  runtime.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 20; ++i) {
      group.Spawn([&] {
        auto span = tracer_->StartSpan("sibling");
        trace::Scope scope(span);
        const TraceIds own = ToTraceIds(span->GetContext());
        for (int turn = 0; turn < 10; ++turn) {
          Yield();
          if (CurrentSpanIds() != own || CurrentTraceIds() != own) ++wrong;
          auto inner_span = tracer_->StartSpan("inner");
          trace::Scope inner(inner_span);
          Yield();
          if (CurrentTraceIds() != ToTraceIds(inner_span->GetContext())) ++wrong;
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_FALSE(CurrentTraceIds().valid());
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(FiberContextTest, ChildrenStartInTheirParentsSpan) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    auto parent_span = tracer_->StartSpan("parent");
    const TraceIds parent = ToTraceIds(parent_span->GetContext());
    trace::Scope scope(parent_span);
    TaskGroup group;
    group.Spawn([&] {
      EXPECT_EQ(CurrentSpanIds(), parent);
      TaskGroup nested;
      nested.Spawn([&] {
        EXPECT_EQ(CurrentTraceIds(), parent);
        auto span = tracer_->StartSpan("grandchild");
        trace::Scope inner(span);
        Yield();
        span->End();
      });
      EXPECT_TRUE(nested.Wait().ok());
      EXPECT_EQ(CurrentTraceIds(), parent) << "a child's scope does not reach its parent";
    });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(CurrentTraceIds(), parent);
    parent_span->End();
  });
  std::map<std::string, std::unique_ptr<sdk::SpanData>> spans;
  for (auto& span : data_->GetSpans()) spans[std::string(span->GetName())] = std::move(span);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans["grandchild"]->GetParentSpanId(), spans["parent"]->GetSpanId());
  EXPECT_EQ(spans["grandchild"]->GetTraceId(), spans["parent"]->GetTraceId());
}

TEST_F(FiberContextTest, AChildOutlivesTheScopeItWasSpawnedIn) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    TaskGroup group;
    const TraceIds ids = MakeIds(1);
    {
      ScopedTrace scope(ids);
      group.Spawn([&] {
        Yield();
        EXPECT_EQ(CurrentTraceIds(), ids);
      });
    }
    EXPECT_FALSE(CurrentTraceIds().valid());
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(FiberContextTest, IdsAloneBecomeAContextWhenOpenTelemetryAsks) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    TraceIds ids = MakeIds(7);
    ids.flags = 1;
    ScopedTrace scope(ids, std::make_shared<const std::string>("vendor=1"));
    const trace::SpanContext current = trace::Tracer::GetCurrentSpan()->GetContext();
    EXPECT_EQ(ToTraceIds(current), ids);
    auto span = tracer_->StartSpan("child");
    EXPECT_EQ(ToTraceIds(span->GetContext()).trace_id, ids.trace_id);
    trace::Scope inner(span);
    ASSERT_NE(CurrentTracestate(), nullptr) << "it goes with the trace";
    EXPECT_EQ(*CurrentTracestate(), "vendor=1");
    trace::StartSpanOptions of_root;
    of_root.parent = opentelemetry::context::Context(trace::kIsRootSpanKey, true);
    auto other = tracer_->StartSpan("other", of_root);
    trace::Scope innermost(other);
    EXPECT_EQ(CurrentTracestate(), nullptr) << "and not with another";
  });
}

TEST_F(FiberContextTest, ScopesNestAndEndInTurn) {
  ScopedTrace outer(MakeIds(1));
  {
    ScopedTrace inner(MakeIds(2));
    EXPECT_EQ(CurrentTraceIds(), MakeIds(2));
  }
  EXPECT_EQ(CurrentTraceIds(), MakeIds(1));
}

TEST_F(FiberContextTest, WhatABlockForgotToDetachEndsWithIt) {
  nostd::unique_ptr<opentelemetry::context::Token> forgotten;
  {
    ScopedTrace scope(MakeIds(1));
    forgotten = opentelemetry::context::RuntimeContext::Attach(
        opentelemetry::context::Context("key", int64_t{1}));
    EXPECT_FALSE(CurrentTraceIds().valid()) << "that context holds no span";
  }
  EXPECT_FALSE(CurrentTraceIds().valid());
  forgotten.reset();  // finds nothing to detach
}

TEST_F(FiberContextTest, DetachingAnOuterContextEndsTheInnerOnes) {
  using opentelemetry::context::Context;
  using opentelemetry::context::RuntimeContext;
  auto outer = RuntimeContext::Attach(Context("key", int64_t{1}));
  auto inner = RuntimeContext::Attach(Context("key", int64_t{2}));
  EXPECT_EQ(nostd::get<int64_t>(RuntimeContext::GetValue("key")), 2);
  outer.reset();
  EXPECT_FALSE(RuntimeContext::GetCurrent().HasKey("key"));
  inner.reset();
}

TEST_F(FiberContextTest, EachThreadHasAContextOfItsOwn) {
  ScopedTrace scope(MakeIds(1));
  std::thread([] { EXPECT_FALSE(CurrentTraceIds().valid()); }).join();
}

}  // namespace
}  // namespace weft::observability
