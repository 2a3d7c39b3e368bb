// Where an interceptor stands among the others, on both sides.
//
// A request goes through the stages of its client from kUser to kTransport and through those of its
// server from kTransport to kUser; its status comes back the other way. So what a call is charged
// for, by whom and whether at all is settled before the handler, and telemetry sees what inner
// stages refuse. Interceptors of one stage keep the order in which they were given.
#ifndef WEFT_PLATFORM_RPC_INTERCEPTOR_STAGE_H_
#define WEFT_PLATFORM_RPC_INTERCEPTOR_STAGE_H_

#include <algorithm>
#include <vector>

namespace weft::rpc {

enum class InterceptorStage {
  kTransport,       // what a connection tells: draining, limits per peer
  kTelemetry,       // metrics, spans, logs
  kAuthentication,  // who calls
  kAdmission,       // whether there is room; on a client, whether to send it, and again
  kUser,            // all else
};

// On a client, where a call may take several attempts (client/retry.h): whether interceptors of the
// stage see the call, once, or each attempt.
constexpr bool SeesWholeCalls(InterceptorStage stage) {
  return stage >= InterceptorStage::kAdmission;
}

// In the order in which a request meets them: a server's.
template <typename Interceptor>
void SortForServer(std::vector<Interceptor*>& interceptors) {
  std::stable_sort(interceptors.begin(), interceptors.end(),
                   [](const auto* a, const auto* b) { return a->stage() < b->stage(); });
}

// The same for a client.
template <typename Interceptor>
void SortForClient(std::vector<Interceptor*>& interceptors) {
  std::stable_sort(interceptors.begin(), interceptors.end(),
                   [](const auto* a, const auto* b) { return a->stage() > b->stage(); });
}

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_INTERCEPTOR_STAGE_H_
