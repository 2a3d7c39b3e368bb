#include "platform/rpc/testing/fault_injector.h"

#include <utility>

#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/testing/short_lock.h"

namespace weft::rpc {

struct FaultInjector::Rule {
  explicit Rule(FaultRule wanted) : rule(std::move(wanted)) {}

  const FaultRule rule;
  Event removed;
  // Guarded by the injector's mutex.
  uint64_t seen = 0;
  uint64_t injected = 0;
};

int FaultInjector::Add(FaultRule rule) {
  Check(rule.every > 0, "FaultRule::every counts from 1: 1 hits each call");
  Check(rule.probability >= 0 && rule.probability <= 1, "FaultRule::probability is from 0 to 1");
  Check(!rule.disconnect || disconnect_ != nullptr,
        "a FaultRule with `disconnect` needs a FaultInjector that was given a way to do it");
  const internal::ShortLock hold(mutex_);
  rules_.push_back(std::make_shared<Rule>(std::move(rule)));
  return static_cast<int>(rules_.size()) - 1;
}

FaultInjector::Rule& FaultInjector::Find(int rule) const {
  Check(rule >= 0 && static_cast<size_t>(rule) < rules_.size(),
        "a rule is known by the number that FaultInjector::Add() returned");
  return *rules_[static_cast<size_t>(rule)];
}

void FaultInjector::Remove(int rule) {
  const internal::ShortLock hold(mutex_);
  Find(rule).removed.Set();
}

void FaultInjector::Clear() {
  const internal::ShortLock hold(mutex_);
  for (const auto& rule : rules_) rule->removed.Set();
}

uint64_t FaultInjector::injected(int rule) const {
  const internal::ShortLock hold(mutex_);
  return Find(rule).injected;
}

std::vector<std::shared_ptr<FaultInjector::Rule>> FaultInjector::Hit(absl::string_view method) {
  std::vector<std::shared_ptr<Rule>> hit;
  const internal::ShortLock hold(mutex_);
  for (const std::shared_ptr<Rule>& rule : rules_) {
    const FaultRule& wanted = rule->rule;
    if (rule->removed.IsSet() || (!wanted.method.empty() && method != wanted.method)) continue;
    if (++rule->seen % wanted.every != 0 || rule->injected == wanted.most) continue;
    // Not drawn for certain rules: a seed then gives the others the same calls with and without.
    const bool drawn =
        wanted.probability == 1 || std::bernoulli_distribution(wanted.probability)(random_);
    if (!drawn) continue;
    ++rule->injected;
    hit.push_back(rule);
  }
  return hit;
}

std::optional<absl::Status> FaultInjector::Apply(Rule& rule, CallContext& call) {
  if (rule.rule.latency > absl::ZeroDuration()) {
    const absl::Status waited = rule.removed.Wait(weft::Now() + rule.rule.latency);
    if (call.scope().cancelled()) return call.scope().status();
    if (waited.ok()) return std::nullopt;  // The rule is gone.
  }
  if (rule.rule.disconnect) {
    disconnect_();
    Event never;
    return never.Wait();  // Until the server sees that the client is gone.
  }
  if (!rule.rule.status.ok()) return rule.rule.status;
  return std::nullopt;
}

absl::Status FaultInjector::Intercept(CallContext& call, Next next) {
  const std::vector<std::shared_ptr<Rule>> hit = Hit(call.requested_method());
  for (const auto& rule : hit) {
    if (rule->rule.after_handler) continue;
    if (std::optional<absl::Status> end = Apply(*rule, call)) return *std::move(end);
  }
  absl::Status status = next();
  for (const auto& rule : hit) {
    if (!rule->rule.after_handler) continue;
    if (std::optional<absl::Status> end = Apply(*rule, call)) return *std::move(end);
  }
  return status;
}

}  // namespace weft::rpc
