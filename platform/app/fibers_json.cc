#include <nlohmann/json.hpp>
#include <string>

#include "platform/app/fibers_view.h"

namespace weft::app {
namespace {

using Json = nlohmann::ordered_json;

Json Seconds(int64_t nanos) { return static_cast<double>(nanos) / 1e9; }

// Numbers that may be missing are null; ids are numbers, 0 for none is null too.
Json Id(uint64_t id) { return id == 0 ? Json(nullptr) : Json(id); }

Json ToJson(const FiberInfo& fiber) {
  Json json = {
      {"id", fiber.id},
      {"shard", fiber.shard},
      {"name", fiber.name},
      {"state", fiber.state},
      {"waits_for", fiber.waits_for},
      {"waits_for_object", Id(fiber.object_id)},
      {"lock_owner", Id(fiber.owner_id)},
      {"age_seconds", Seconds(fiber.age_nanos)},
      {"in_state_seconds", Seconds(fiber.state_nanos)},
      {"deadline_left_seconds",
       fiber.deadline_left_nanos == INT64_MAX ? Json(nullptr) : Seconds(fiber.deadline_left_nanos)},
      {"cancelled", fiber.cancelled},
      {"parent", Id(fiber.parent_id)},
      {"task_group", Id(fiber.group_id)},
      {"trace_id", fiber.trace_id}};
  return json;
}

}  // namespace

std::string FibersAsJson(const FibersView& view) {
  Json shards = Json::array();
  for (const ShardStats& shard : view.shards) {
    shards.push_back({{"shard", shard.shard},
                      {"running", shard.running},
                      {"ready", shard.ready},
                      {"parked", shard.parked},
                      {"idle", shard.idle}});
  }
  Json fibers = Json::array();
  for (const FiberInfo& fiber : view.fibers) fibers.push_back(ToJson(fiber));
  Json deadlocks = Json::array();
  for (const std::vector<FiberInfo>& ring : view.deadlocks) {
    Json ids = Json::array();
    for (const FiberInfo& fiber : ring) ids.push_back(fiber.id);
    deadlocks.push_back(std::move(ids));
  }
  Json json = {{"shards", std::move(shards)},
               {"stuck_shards", view.stuck_shards},
               {"fibers_listed", view.listed},
               {"fibers", std::move(fibers)},
               {"deadlocks", std::move(deadlocks)}};
  if (view.query.layout == FibersLayout::kStacks) {
    Json stacks = Json::array();
    for (const FiberStackGroup& group : view.stacks) {
      Json ids = Json::array();
      for (const FiberInfo* const fiber : group.fibers) ids.push_back(fiber->id);
      stacks.push_back(
          {{"count", group.fibers.size()}, {"fibers", std::move(ids)}, {"frames", group.frames}});
    }
    json["stacks"] = std::move(stacks);
  }
  // A name is any text: what is no UTF-8 must not cost the whole answer.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weft::app
