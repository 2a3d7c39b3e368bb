#include "platform/rpc/admission/admission.h"

#include "platform/base/check.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/admission/shard_admission.h"

namespace weft::rpc {

Admission::Admission(int shards, const AdmissionOptions& options) {
  for (int i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<ShardAdmission>(options, /*seed=*/i + 1));
  }
}

Admission::~Admission() = default;

absl::Status Admission::Intercept(CallContext& call, Next next) {
  const auto shard = static_cast<size_t>(Runtime::CurrentShard());
  Check(shard < shards_.size(), "an Admission is used by a runtime with more shards than it has");
  return shards_[shard]->Intercept(call, next);
}

std::vector<AdmissionStats> Admission::Stats() const {
  std::vector<AdmissionStats> stats;
  stats.reserve(shards_.size());
  for (const auto& shard : shards_) stats.push_back(shard->Stats());
  return stats;
}

}  // namespace weft::rpc
