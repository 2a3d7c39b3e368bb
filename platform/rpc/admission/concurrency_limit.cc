#include "platform/rpc/admission/concurrency_limit.h"

#include <algorithm>
#include <cmath>

namespace weft::rpc {
namespace {

// A burst is slow too. Only what lasts for a second is overload.
constexpr int64_t kNanosToBelieve = 1'000'000'000;
// The first probe comes early: what was learnt under overload from the start is no baseline.
constexpr int kWindowsToFirstProbe = 5;
constexpr double kProbeShare = 0.25;
// Latencies that differ by less count as equal.
constexpr double kNotable = 1.1;
// Calls from which the first baseline is made.
constexpr int kFirstSamples = 10;
constexpr double kStandardErrors = 3;
// How fast the usual variance follows that of the windows.
constexpr double kFollowVariance = 0.1;
// How fast baselines follow the averages while latency is as it should be: in about ten seconds.
constexpr double kFollow = 0.01;

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(const Options& options)
    : options_(options), limit_(options.initial), windows_to_probe_(kWindowsToFirstProbe) {}

void ConcurrencyLimit::Method::Add(double latency_nanos) {
  sum_ += latency_nanos;
  squares_ += latency_nanos * latency_nanos;
  ++count_;
}

double ConcurrencyLimit::Method::window_variance() const {
  return std::max(0.0, (squares_ - sum_ * average()) / (count_ - 1));
}

double ConcurrencyLimit::Method::variance() const {
  return count_ < 2 ? usual_variance_ : std::max(window_variance(), usual_variance_);
}

double ConcurrencyLimit::Method::uncertainty() const {
  return kStandardErrors * std::sqrt(variance() / count_);
}

void ConcurrencyLimit::Method::BeginWindow() {
  if (baseline_ == 0) return;  // It takes more calls.
  if (count_ >= 2) {
    const double share = usual_variance_ == 0 ? 1 : kFollowVariance;
    usual_variance_ += share * (window_variance() - usual_variance_);
  }
  sum_ = squares_ = 0;
  count_ = 0;
}

void ConcurrencyLimit::Ended(Method& method, int64_t start_nanos, int64_t end_nanos,
                             int in_flight) {
  most_in_flight_ = std::max(most_in_flight_, in_flight);
  // Calls that began before the window tell of the limit that was.
  if (start_nanos >= window_start_nanos_) {
    method.Add(static_cast<double>(end_nanos - start_nanos));
    ++samples_;
  }
  if (samples_ >= options_.min_samples &&
      end_nanos - window_start_nanos_ >= options_.window_nanos) {
    CloseWindow(end_nanos);
  }
}

double ConcurrencyLimit::Ratio(bool lower) const {
  double latency = 0;
  double expected = 0;
  double variance = 0;
  for (const Method* const method : methods_) {
    if (method->count_ == 0 || method->baseline_ == 0) continue;
    latency += method->sum_;
    expected += method->baseline_ * method->count_;
    variance += method->variance() * method->count_;
  }
  if (expected == 0) return 1;
  if (!lower || latency < expected) return latency / expected;
  return std::max(expected, latency - kStandardErrors * std::sqrt(variance)) / expected;
}

void ConcurrencyLimit::CloseWindow(int64_t now_nanos) {
  const double ratio = Ratio();
  const bool limited = 2 * most_in_flight_ >= limit();
  const double surely = Ratio(/*lower=*/true);
  const bool slow = surely > options_.tolerance && most_in_flight_ > options_.min;
  if (probing_) {
    EndProbe(ratio, limited);
  } else {
    LowerBaselines();
    if (!slow) slow_since_nanos_ = now_nanos;
    const bool lowered = limit_ < options_.initial;
    if (slow && !lowered && now_nanos - slow_since_nanos_ < kNanosToBelieve) {
      // Wait and see.
    } else if (slow && !lowered && LowerAtOnce(surely)) {
      // And see whether that was it.
    } else if (limited && --windows_to_probe_ <= 0) {
      BeginProbe(ratio);
    } else if (limited) {
      Adjust(ratio);
    } else if (slow) {
      // Deadlines may keep the calls in flight below the limit while none is served in time.
      limit_ = most_in_flight_;
      windows_to_probe_ = std::min(windows_to_probe_, kWindowsToFirstProbe);
      Adjust(ratio);
    } else {
      MoveBaselines(kFollow);
    }
  }
  for (Method* const method : methods_) method->BeginWindow();
  samples_ = most_in_flight_ = 0;
  window_start_nanos_ = now_nanos;
}

void ConcurrencyLimit::Adjust(double ratio) {
  const double gradient = std::clamp(options_.tolerance / ratio, 0.5, 1.0);
  if (gradient < 1) slow_start_ = false;
  SetLimit(slow_start_ ? 2 * limit_ : limit_ * gradient + std::sqrt(limit_));
}

// By Little's law: as many calls as were served at once, had each taken no longer than it may.
// Halving from window to window would take seconds, as windows last as long as slow calls do.
bool ConcurrencyLimit::LowerAtOnce(double ratio) {
  const double served = most_in_flight_ * options_.tolerance / ratio;
  if (served + std::sqrt(served) >= limit_) return false;
  slow_start_ = false;
  windows_to_probe_ = std::min(windows_to_probe_, kWindowsToFirstProbe);
  SetLimit(served + std::sqrt(served));
  return true;
}

void ConcurrencyLimit::BeginProbe(double ratio) {
  probing_ = true;
  ratio_before_probe_ = ratio;
  limit_before_probe_ = limit_;
  SetLimit(limit_ * kProbeShare);
}

void ConcurrencyLimit::EndProbe(double ratio, bool limited) {
  probing_ = false;
  windows_to_probe_ = options_.windows_between_probes;
  if (!limited) {  // There were not enough calls to learn from.
    SetLimit(limit_before_probe_);
    return;
  }
  if (ratio * kNotable > ratio_before_probe_) {
    MoveBaselines(1);
    SetLimit(limit_before_probe_);
    slow_start_ = true;
    return;
  }
  slow_start_ = false;
  const double better = LowerBaselines();
  if (better < kNotable) {
    SetLimit(limit_before_probe_);
  } else if (limit_ > options_.min) {
    BeginProbe(ratio * better);  // Fewer still may be better still.
  }
}

double ConcurrencyLimit::LowerBaselines() {
  double better = 1;
  for (Method* const method : methods_) {
    if (method->count_ == 0) continue;
    const double average = std::max(method->average(), 1.0);
    if (method->baseline_ == 0) {
      if (method->count_ >= kFirstSamples) method->baseline_ = average;
    } else if (average + method->uncertainty() < method->baseline_) {
      better = std::max(better, method->baseline_ / average);
      method->baseline_ = average;
    }
  }
  return better;
}

void ConcurrencyLimit::MoveBaselines(double weight) {
  for (Method* const method : methods_) {
    if (method->count_ == 0 || method->baseline_ == 0) continue;
    method->baseline_ += weight * (std::max(method->average(), 1.0) - method->baseline_);
  }
}

void ConcurrencyLimit::SetLimit(double limit) {
  limit_ = std::clamp(limit, options_.min, options_.max);
}

}  // namespace weft::rpc
