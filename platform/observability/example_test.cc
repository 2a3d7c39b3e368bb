// The example of README.md, so that it stays true.
#include <gtest/gtest.h>

#include <string>

#include "opentelemetry/trace/scope.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/telemetry.h"

namespace {

TEST(Example, Compiles) {
  // README.md: begin
  namespace obs = weft::observability;
  obs::InitLogging({.level = obs::Severity::kInfo});
  auto telemetry = obs::Telemetry::Start({.service_name = "catalog", .service_version = "1.4.0"});
  weft::Runtime runtime({.shards = 1, .observer = (*telemetry)->runtime_observer()});
  auto attachment = (*telemetry)->AttachRuntime(runtime);  // measured as long as this lives
  runtime.Run([&] {
    opentelemetry::trace::Scope span(obs::Tracing::Tracer()->StartSpan("warm up"));
    obs::Log(obs::Severity::kInfo, "warming up", {{"products", 1000}});  // with its trace_id
  });
  std::string page = (*telemetry)->RenderMetrics();  // what /metrics answers
  // README.md: end
  EXPECT_NE(page.find("weft_fibers_spawned_total"), std::string::npos);
}

}  // namespace
