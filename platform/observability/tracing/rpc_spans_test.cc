#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/trace/scope.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/tracing/remote_parent.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

namespace memory = opentelemetry::exporter::memory;
namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};
constexpr rpc::MethodDescriptor kPrice = {"/price.v1.Price/Get", rpc::MethodKind::kUnary};
constexpr char kSampled[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kUnsampled[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

using Spans = std::vector<std::unique_ptr<sdk::SpanData>>;

std::string Text(const sdk::SpanData& span, const std::string& key) {
  const auto found = span.GetAttributes().find(key);
  return found == span.GetAttributes().end() ? "(none)" : nostd::get<std::string>(found->second);
}

int Number(const sdk::SpanData& span, const std::string& key) {
  const auto found = span.GetAttributes().find(key);
  return found == span.GetAttributes().end() ? -1 : nostd::get<int32_t>(found->second);
}

class RpcSpansTest : public ::testing::Test {
 protected:
  void Start(double ratio, bool with_exporter = true) {
    if (!with_exporter) {
      tracing_ = *Tracing::Start({.sample_ratio = ratio});
      return;
    }
    auto exporter = std::make_unique<memory::InMemorySpanExporter>();
    data_ = exporter->GetData();
    tracing_ = *Tracing::StartWithProcessor(
        {.sample_ratio = ratio, .service_name = "shop", .service_version = "1"},
        sdk::SimpleSpanProcessorFactory::Create(std::move(exporter)));
  }

  template <typename F>
  absl::Status Serve(FakeCall& call, F handler) {
    return tracing_->server_interceptor().Intercept(call, handler);
  }

  // Makes a call as a client would; the metadata it would send.
  rpc::Metadata Call(absl::Status status = absl::OkStatus(), int attempt = 1, bool hedge = false) {
    rpc::Metadata metadata;
    const std::string target = "dns:///pricing:50051";
    rpc::OutgoingCall outgoing{kPrice, target, metadata, absl::InfiniteFuture(), attempt, hedge};
    auto tracker = tracing_->client_interceptor().Start(outgoing);
    Yield();
    if (tracker != nullptr) tracker->End({status});
    return metadata;
  }

  Spans Exported() { return data_->GetSpans(); }

  Runtime runtime_{{.shards = 1}};
  std::shared_ptr<memory::InMemorySpanData> data_;
  std::unique_ptr<Tracing> tracing_;
};

TEST_F(RpcSpansTest, AServedCallGetsASpanUnderItsRemoteParent) {
  Start(0);
  runtime_.Run([&] {
    FakeCall call(kGet, {{"user-agent", "x"}, {"traceparent", kSampled}, {"tracestate", "v=1"}});
    EXPECT_EQ(Serve(call, [] { return absl::NotFoundError("no such sku"); }).code(),
              absl::StatusCode::kNotFound);
    EXPECT_FALSE(CurrentTraceIds().valid());
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(1));
  const sdk::SpanData& span = *spans[0];
  EXPECT_EQ(std::string(span.GetName()), "shop.v1.Shop/Get");
  EXPECT_EQ(span.GetSpanKind(), trace::SpanKind::kServer);
  const trace::SpanContext parent = ToSpanContext(*ParseTraceparent(kSampled), true);
  EXPECT_EQ(span.GetTraceId(), parent.trace_id());
  EXPECT_EQ(span.GetParentSpanId(), parent.span_id());
  EXPECT_EQ(Text(span, "rpc.system"), "grpc");
  EXPECT_EQ(Text(span, "rpc.service"), "shop.v1.Shop");
  EXPECT_EQ(Text(span, "rpc.method"), "Get");
  EXPECT_EQ(Text(span, "network.peer.address"), "10.1.2.3");
  EXPECT_EQ(Number(span, "network.peer.port"), 41234);
  EXPECT_EQ(Number(span, "rpc.grpc.status_code"), 5);
  EXPECT_EQ(span.GetStatus(), trace::StatusCode::kUnset) << "NOT_FOUND is no fault of the server";
  const auto& resource = span.GetResource().GetAttributes();
  EXPECT_EQ(nostd::get<std::string>(resource.at("service.name")), "shop");
}

// OpenTelemetry's own parser of the header would need more stack than this fiber has.
TEST_F(RpcSpansTest, ALongTracestateNeedsNoStackAndGoesWithRecordedCallsToo) {
  Start(0);
  const std::string tracestate = "vendor=" + std::string(256, 'x');
  rpc::Metadata sent;
  Runtime small({.shards = 1, .stack_bytes = 64 * 1024});
  small.Run([&] {
    FakeCall call(kGet, {{"traceparent", kSampled}, {"tracestate", tracestate}});
    Serve(call, [&] {
      trace::Scope scope(Tracing::Tracer()->StartSpan("own"));
      sent = Call();
      return absl::OkStatus();
    }).IgnoreError();
  });
  EXPECT_THAT(Exported(), SizeIs(3));
  ASSERT_THAT(sent.entries(), SizeIs(2));
  EXPECT_THAT(sent.entries()[1], Pair("tracestate", tracestate));
}

TEST_F(RpcSpansTest, AFaultOfTheServerIsAnError) {
  Start(1);
  runtime_.Run([&] {
    FakeCall call(kGet);
    Serve(call, [] { return absl::InternalError("broken"); }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_EQ(spans[0]->GetStatus(), trace::StatusCode::kError);
  EXPECT_EQ(std::string(spans[0]->GetDescription()), "broken");
}

TEST_F(RpcSpansTest, AMethodThatNobodyServesIsNamedOtherAndToldInAnAttribute) {
  constexpr rpc::MethodDescriptor kOther = {"/other", rpc::MethodKind::kUnary};
  Start(1);
  runtime_.Run([&] {
    FakeCall call(kOther);
    call.set_requested_method("/random.v1.Thing/Probe");
    Serve(call, [] { return absl::UnimplementedError("no"); }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_EQ(std::string(spans[0]->GetName()), "other");
  EXPECT_EQ(Text(*spans[0], "rpc.service"), "random.v1.Thing");
  EXPECT_EQ(Text(*spans[0], "rpc.method"), "Probe");
}

TEST_F(RpcSpansTest, ACancelledCallTellsWhyAndHowFarItWent) {
  Start(1);
  runtime_.Run([&] {
    FakeCall shed(kGet);
    Serve(shed, [&] {
      shed.scope().Cancel(CancelCause::kOverload, "queue full");
      return absl::UnavailableError("try another one");
    }).IgnoreError();
    FakeCall drained(kGet);
    Serve(drained, [&] {
      drained.scope().Cancel(CancelCause::kDrain, "rollout");
      return absl::CancelledError(
          "cancelled: drain: rollout [shop.v1.Shop/Get > prices] (while sleeping)");
    }).IgnoreError();
    FakeCall finished(kGet);
    Serve(finished, [] { return absl::CancelledError("by a server behind"); }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(3));
  EXPECT_EQ(Text(*spans[0], "weft.cancel.cause"), "overload");
  EXPECT_EQ(Text(*spans[0], "weft.cancel.chain"),
            "cancelled: overload: queue full [shop.v1.Shop/Get]");
  EXPECT_EQ(Text(*spans[1], "weft.cancel.cause"), "drain");
  EXPECT_EQ(Text(*spans[1], "weft.cancel.chain"),
            "cancelled: drain: rollout [shop.v1.Shop/Get > prices] (while sleeping)");
  EXPECT_EQ(Text(*spans[2], "weft.cancel.cause"), "(none)");
  EXPECT_EQ(Text(*spans[2], "weft.cancel.chain"), "(none)");
}

TEST_F(RpcSpansTest, AnOutgoingCallIsAChildAndTheNextServersParent) {
  Start(1);
  rpc::Metadata sent;
  TraceIds handler_ids;
  runtime_.Run([&] {
    FakeCall call(kGet);
    Serve(call, [&] {
      handler_ids = CurrentTraceIds();
      sent = Call(absl::NotFoundError("none"));
      return absl::OkStatus();
    }).IgnoreError();
    ASSERT_THAT(sent.entries(), SizeIs(1));
    FakeCall second(kPrice, sent.entries());
    Serve(second, [] { return absl::OkStatus(); }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(3));
  const sdk::SpanData& client = *spans[0];
  const sdk::SpanData& server = *spans[1];
  const sdk::SpanData& second = *spans[2];
  EXPECT_EQ(ToTraceIds(server.GetSpanContext()), handler_ids);
  EXPECT_FALSE(server.GetParentSpanId().IsValid());
  EXPECT_EQ(client.GetSpanKind(), trace::SpanKind::kClient);
  EXPECT_EQ(client.GetParentSpanId(), server.GetSpanId());
  EXPECT_EQ(second.GetParentSpanId(), client.GetSpanId());
  EXPECT_EQ(second.GetTraceId(), server.GetTraceId());
  EXPECT_EQ(Text(client, "server.address"), "pricing");
  EXPECT_EQ(Number(client, "server.port"), 50051);
  EXPECT_EQ(client.GetStatus(), trace::StatusCode::kError) << "a client takes any failure so";
  EXPECT_EQ(Number(client, "rpc.grpc.status_code"), 5);
}

TEST_F(RpcSpansTest, TheRootsTraceIdIsTheOneThatWasSampled) {
  Start(0.5);
  runtime_.Run([&] {
    for (int i = 0; i < 200; ++i) {
      FakeCall call(kGet);
      Serve(call, [] { return absl::OkStatus(); }).IgnoreError();
    }
  });
  const Spans spans = Exported();
  EXPECT_GT(spans.size(), 30u);  // 100 are expected, with a standard deviation of 7
  EXPECT_LT(spans.size(), 170u);
  for (const auto& span : spans) {
    EXPECT_TRUE(RatioThreshold(0.5).Samples(ToTraceIds(span->GetSpanContext()).trace_id));
  }
}

TEST_F(RpcSpansTest, ConcurrentCallsAndTheirChildrenKeepTheirTraces) {
  Start(1);
  runtime_.Run([&] {
    TaskGroup calls;
    for (int i = 0; i < 20; ++i) {
      calls.Spawn([&] {
        FakeCall call(kGet);
        Serve(call, [&] {
          const TraceIds own = CurrentTraceIds();
          TaskGroup children;
          for (int j = 0; j < 3; ++j) {
            children.Spawn([&] {
              const rpc::Metadata sent = Call();
              const auto ids = ParseTraceparent(sent.entries().at(0).second);
              EXPECT_EQ(ids->trace_id, own.trace_id);
              EXPECT_EQ(CurrentTraceIds(), own);
            });
          }
          return children.Wait();
        }).IgnoreError();
      });
    }
    EXPECT_TRUE(calls.Wait().ok());
  });
  std::map<std::string, int> clients_by_parent;
  const auto hex = [](const trace::SpanId& id) {
    char text[16];
    id.ToLowerBase16(text);
    return std::string(text, 16);
  };
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(80));
  for (const auto& span : spans) {
    if (span->GetSpanKind() == trace::SpanKind::kClient) {
      ++clients_by_parent[hex(span->GetParentSpanId())];
    }
  }
  EXPECT_THAT(clients_by_parent, SizeIs(20));
  for (const auto& span : spans) {
    if (span->GetSpanKind() == trace::SpanKind::kServer) {
      EXPECT_EQ(clients_by_parent[hex(span->GetSpanId())], 3);
    }
  }
}

TEST_F(RpcSpansTest, AHandlersOwnSpanHangsUnderTheCalls) {
  Start(1);
  runtime_.Run([&] {
    FakeCall call(kGet);
    Serve(call, [] {
      auto span = Tracing::Tracer()->StartSpan("parse");
      trace::Scope scope(span);
      Yield();
      span->End();
      return absl::OkStatus();
    }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(std::string(spans[0]->GetName()), "parse");
  EXPECT_EQ(spans[0]->GetParentSpanId(), spans[1]->GetSpanId());
}

TEST_F(RpcSpansTest, AnUnsampledParentIsHandedOnAsItCameAndNothingIsExported) {
  Start(1);
  rpc::Metadata sent;
  runtime_.Run([&] {
    FakeCall call(kGet,
                  {{"traceparent", kUnsampled}, {"tracestate", "a=1"}, {"tracestate", "b=2"}});
    Serve(call, [&] {
      EXPECT_EQ(CurrentTraceIds(), *ParseTraceparent(kUnsampled));
      auto span = Tracing::Tracer()->StartSpan("own");
      EXPECT_FALSE(span->IsRecording());
      sent = Call();
      return absl::OkStatus();
    }).IgnoreError();
  });
  EXPECT_THAT(Exported(), IsEmpty());
  EXPECT_THAT(sent.entries(),
              ElementsAre(Pair("traceparent", kUnsampled), Pair("tracestate", "a=1,b=2")));
}

TEST_F(RpcSpansTest, AnUnsampledRootGetsIdsAndNothingIsExported) {
  Start(0);
  rpc::Metadata sent;
  TraceIds ids;
  runtime_.Run([&] {
    FakeCall call(kGet);
    Serve(call, [&] {
      ids = CurrentTraceIds();
      sent = Call();
      return absl::OkStatus();
    }).IgnoreError();
  });
  EXPECT_THAT(Exported(), IsEmpty());
  EXPECT_TRUE(ids.valid());
  ASSERT_THAT(sent.entries(), SizeIs(1));
  EXPECT_EQ(ParseTraceparent(sent.entries()[0].second), ids);
}

TEST_F(RpcSpansTest, WithoutAnEndpointContextsAreHandedOnAllTheSame) {
  Start(1, /*with_exporter=*/false);
  EXPECT_FALSE(tracing_->recording());
  rpc::Metadata sent;
  runtime_.Run([&] {
    FakeCall call(kGet, {{"traceparent", kSampled}});
    Serve(call, [&] {
      sent = Call();
      return absl::OkStatus();
    }).IgnoreError();
  });
  EXPECT_THAT(sent.entries(), ElementsAre(Pair("traceparent", kSampled)));
}

TEST_F(RpcSpansTest, BadSeveralAndHugeHeadersBeginANewTrace) {
  Start(0);
  runtime_.Run([&] {
    const TraceIds remote = *ParseTraceparent(kUnsampled);
    for (const auto& metadata : std::vector<std::vector<std::pair<std::string, std::string>>>{
             {{"traceparent", "nonsense"}},
             {{"traceparent", kUnsampled}, {"traceparent", kUnsampled}},
             {{"tracestate", "a=1"}}}) {
      FakeCall call(kGet, metadata);
      Serve(call, [&] {
        EXPECT_TRUE(CurrentTraceIds().valid());
        EXPECT_NE(CurrentTraceIds().trace_id, remote.trace_id);
        EXPECT_EQ(CurrentTracestate(), nullptr);
        return absl::OkStatus();
      }).IgnoreError();
    }
    FakeCall huge(kGet, {{"traceparent", kUnsampled},
                         {"tracestate", "a=" + std::string(kMaxTracestateBytes, 'x')}});
    Serve(huge, [&] {
      EXPECT_EQ(CurrentTraceIds(), remote);
      EXPECT_EQ(CurrentTracestate(), nullptr);
      return absl::OkStatus();
    }).IgnoreError();
  });
}

TEST_F(RpcSpansTest, ACallersOwnTraceparentIsLeftAlone) {
  Start(1);
  runtime_.Run([&] {
    rpc::Metadata metadata = {{"traceparent", kSampled}};
    const std::string target = "t";
    rpc::OutgoingCall outgoing{kPrice, target, metadata, absl::InfiniteFuture()};
    EXPECT_EQ(tracing_->client_interceptor().Start(outgoing), nullptr);
    EXPECT_THAT(metadata.entries(), SizeIs(1));
  });
  EXPECT_THAT(Exported(), IsEmpty());
}

TEST_F(RpcSpansTest, ACallOutsideAnyTraceBeginsOne) {
  Start(1);
  rpc::Metadata sent;
  runtime_.Run([&] { sent = Call(); });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_FALSE(spans[0]->GetParentSpanId().IsValid());
  EXPECT_EQ(ParseTraceparent(sent.entries().at(0).second), ToTraceIds(spans[0]->GetSpanContext()));
}

TEST_F(RpcSpansTest, AttemptsAfterTheFirstTellHowManyWereBefore) {
  Start(1);
  runtime_.Run([&] {
    Call(absl::UnavailableError("no"), 1);
    Call(absl::OkStatus(), 2);
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(Number(*spans[0], "previous-rpc-attempts"), -1);
  EXPECT_EQ(Number(*spans[1], "previous-rpc-attempts"), 1);
}

TEST_F(RpcSpansTest, RetriesAndHedgesAreEventsOfTheCallThatMakesThem) {
  Start(0);
  runtime_.Run([&] {
    FakeCall call(kGet, {{"traceparent", kSampled}});
    Serve(call, [&] {
      Call(absl::UnavailableError("no"), 1);
      Call(absl::UnavailableError("no"), 2);
      Call(absl::OkStatus(), 2, /*hedge=*/true);
      return absl::OkStatus();
    }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(4));
  const std::vector<sdk::SpanDataEvent>& events = spans[3]->GetEvents();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].GetName(), "weft.retry");
  EXPECT_EQ(events[1].GetName(), "weft.hedge");
  for (const sdk::SpanDataEvent& event : events) {
    const auto& attributes = event.GetAttributes();
    EXPECT_EQ(nostd::get<std::string>(attributes.at("rpc.method")), kPrice.name());
    EXPECT_EQ(nostd::get<int32_t>(attributes.at("previous-rpc-attempts")), 1);
  }
  EXPECT_EQ(spans[1]->GetAttributes().count("weft.hedge"), 0u);
  EXPECT_TRUE(nostd::get<bool>(spans[2]->GetAttributes().at("weft.hedge")));
}

TEST_F(RpcSpansTest, TheWaitForTheFibersTurnIsAPartOfTheSpan) {
  Start(0);
  runtime_.Run([&] {
    FakeCall call(kGet, {{"traceparent", kSampled}});
    const int64_t accepted = runtime_.clock().MonotonicNanos() - 5'000'000'000;
    call.set_accepted_nanos(accepted);
    Serve(call, [&] {
      call.set_handler_started_nanos(accepted + 2'000'000'000);
      return absl::OkStatus();
    }).IgnoreError();
  });
  const Spans spans = Exported();
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_GE(spans[0]->GetDuration(), std::chrono::seconds(5));
  ASSERT_THAT(spans[0]->GetEvents(), SizeIs(1));
  const sdk::SpanDataEvent& event = spans[0]->GetEvents()[0];
  EXPECT_EQ(event.GetName(), "handler starts");
  EXPECT_EQ(event.GetTimestamp().time_since_epoch() - spans[0]->GetStartTime().time_since_epoch(),
            std::chrono::seconds(2));
}

TEST_F(RpcSpansTest, CallsAfterShutdownAreServedAndNotExported) {
  Start(1);
  tracing_->Shutdown(absl::Seconds(1));
  runtime_.Run([&] {
    FakeCall call(kGet);
    EXPECT_TRUE(Serve(call, [] { return absl::OkStatus(); }).ok());
  });
  EXPECT_FALSE(Tracing::Tracer()->StartSpan("late")->IsRecording());
}

}  // namespace
}  // namespace weft::observability
