#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/app/console/calls_view.h"

namespace weft::app {
namespace {

using Json = nlohmann::ordered_json;
using observability::CallRecord;
using observability::CallRecordPtr;
using observability::ChildCall;

Json Seconds(int64_t nanos) { return static_cast<double>(nanos) / 1e9; }

// Null for what has not come, -1.
Json SecondsOrNull(int64_t nanos) { return nanos < 0 ? Json(nullptr) : Seconds(nanos); }

Json ToJson(const ChildCall& child) {
  return {{"system", child.system.empty() ? "rpc" : child.system},
          {"method", child.method},
          {"target", child.target},
          {"attempt", child.attempt},
          {"hedge", child.hedge},
          {"start_seconds", Seconds(child.start_nanos)},
          {"duration_seconds", SecondsOrNull(child.duration_nanos)},
          {"waited_seconds", Seconds(child.waited_nanos)},
          {"status",
           child.duration_nanos < 0 ? Json(nullptr) : Json(absl::StatusCodeToString(child.code))},
          {"will_retry", child.will_retry}};
}

Json ToJson(const CallRecord& call) {
  Json children = Json::array();
  for (const ChildCall& child : call.children) children.push_back(ToJson(child));
  return {{"method", call.method},
          {"accepted", absl::FormatTime(absl::RFC3339_full, call.accepted, absl::UTCTimeZone())},
          {"duration_seconds", Seconds(call.duration_nanos)},
          {"handler_start_seconds", SecondsOrNull(call.handler_nanos)},
          {"deadline_seconds",
           call.deadline_nanos == INT64_MAX ? Json(nullptr) : Seconds(call.deadline_nanos)},
          {"in_flight", call.in_flight},
          {"status", call.in_flight ? Json(nullptr) : Json(absl::StatusCodeToString(call.code))},
          {"message", call.message},
          {"cancelled", call.cancelled},
          {"peer", call.peer},
          {"trace_id", call.trace_id},
          {"shard", call.shard},
          {"fiber", call.fiber_id},
          {"received_bytes", call.received_bytes},
          {"sent_bytes", call.sent_bytes},
          {"calls", std::move(children)},
          {"calls_left_out", call.children_left_out}};
}

Json ToJson(const std::vector<CallRecordPtr>& calls) {
  Json json = Json::array();
  for (const CallRecordPtr& call : calls) json.push_back(ToJson(*call));
  return json;
}

}  // namespace

std::string CallsAsJson(const CallsPageView& view) {
  Json in_flight = Json::array();
  for (const CallRecord& call : view.calls.in_flight) {
    Json json = ToJson(call);
    if (const auto found = view.fibers.find(call.fiber_id); found != view.fibers.end()) {
      json["fiber_state"] = found->second.state;
      json["fiber_waits_for"] = found->second.waits_for;
    }
    in_flight.push_back(std::move(json));
  }
  Json methods = Json::array();
  for (const observability::CallsView::Method& method : view.calls.methods) {
    methods.push_back({{"method", method.name},
                       {"failed_total", method.failed_total},
                       {"slow", ToJson(method.slow)},
                       {"failed", ToJson(method.failed)}});
  }
  const Json json = {{"stuck_shards", view.calls.stuck_shards},
                     {"in_flight_total", view.calls.in_flight_total},
                     {"in_flight", std::move(in_flight)},
                     {"methods", std::move(methods)}};
  // A message is any text: what is no UTF-8 must not cost the whole answer.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weft::app
