// ConcurrencyLimit: how many calls at once are good for their latency, found by trying.
//
// When more calls run at once than a server, or what stands behind it, can serve, they only wait
// for each other: latency grows and throughput does not. So the limit follows the ratio of the
// latency that is to the latency that was without waiting, as Netflix' concurrency-limits
// (github.com/Netflix/concurrency-limits, GradientLimit) and Envoy's adaptive concurrency filter
// do:
//
//   gradient = clamp(tolerance * baseline / latency, 0.5, 1)
//   limit    = limit * gradient + sqrt(limit)
//
// once a window, while calls come close to it or are slow; the first time, when latency has been
// too high for a second, it falls at once to what the gradient has in the end. Unlike there, each
// method has a baseline of its own, and a window compares the sum of latencies with the sum of the
// baselines of the very calls it saw: a change of the mix is no change of latency.
//
// Calls of one method differ among themselves, too: an average of few says little. So latency
// counts as higher than its baseline, and a baseline as too high, by what is left when three
// standard errors have been taken off; a method has no baseline before it has had kFirstSamples
// calls.
//
// A baseline is the best average of a window. It follows the averages upwards, slowly, while they
// are within the tolerance. While calls are at the limit, that is lowered to a quarter for one
// window now and then (a probe): if calls get faster by that, the best average becomes better; if
// they do not, their slowness has another reason than being many, and is the new baseline.
//
// No clock, no thread, no fiber: for one shard, told the time by its caller.
#ifndef WEFT_PLATFORM_RPC_ADMISSION_CONCURRENCY_LIMIT_H_
#define WEFT_PLATFORM_RPC_ADMISSION_CONCURRENCY_LIMIT_H_

#include <cstdint>
#include <vector>

namespace weft::rpc {

class ConcurrencyLimit {
 public:
  struct Options {
    double initial = 1000;
    double min = 4;
    double max = 100'000;
    // How many times its baseline a call may take before the limit falls.
    double tolerance = 1.5;
    // A window lasts at least that long, and until so many calls have started and ended in it.
    int64_t window_nanos = 100'000'000;
    int min_samples = 20;
    // Windows at the limit between two probes.
    int windows_between_probes = 50;
  };

  // What is known of one method's latency.
  class Method {
   public:
    // Average without waiting for others; 0: unknown.
    int64_t baseline_nanos() const { return static_cast<int64_t>(baseline_); }

   private:
    friend class ConcurrencyLimit;
    void Add(double latency_nanos);
    double average() const { return sum_ / count_; }
    // Of one call in this window, which has two at least.
    double window_variance() const;
    // The same, and at least what it was in the windows before.
    double variance() const;
    // Three standard errors of the average.
    double uncertainty() const;
    void BeginWindow();

    double baseline_ = 0;
    double usual_variance_ = 0;
    // Of this window, or since the start while there is no baseline.
    double sum_ = 0;
    double squares_ = 0;
    int count_ = 0;
  };

  explicit ConcurrencyLimit(const Options& options);

  // `method` outlives this.
  void Register(Method* method) { methods_.push_back(method); }

  // A call of `method` has ended well, or at its deadline; `in_flight` were there at its end,
  // itself among them.
  void Ended(Method& method, int64_t start_nanos, int64_t end_nanos, int in_flight);

  int limit() const { return static_cast<int>(limit_); }

 private:
  // Latency over baseline of this window's calls; 1 when no baseline is known. `lower`: as low as
  // it may be by chance, but not below 1.
  double Ratio(bool lower = false) const;
  void CloseWindow(int64_t now_nanos);
  void Adjust(double ratio);
  bool LowerAtOnce(double ratio);
  void BeginProbe(double ratio);
  void EndProbe(double ratio, bool limited);
  // How much the best baseline got better: 1 not at all, 2 twice as fast.
  double LowerBaselines();
  void MoveBaselines(double weight);
  void SetLimit(double limit);

  const Options options_;
  std::vector<Method*> methods_;
  double limit_;
  bool slow_start_ = true;  // the limit doubles until latency says no
  int64_t window_start_nanos_ = 0;
  int samples_ = 0;
  int most_in_flight_ = 0;
  int64_t slow_since_nanos_ = 0;  // the end of the last window that was not
  int windows_to_probe_;
  bool probing_ = false;
  double ratio_before_probe_ = 1;
  double limit_before_probe_ = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_CONCURRENCY_LIMIT_H_
