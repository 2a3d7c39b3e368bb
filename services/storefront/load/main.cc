// offer_load: puts load on a storefront and prints a JSON object a second to stdout, and a last one
// with the totals ("final": true). Ends after --for, or at SIGINT or SIGTERM. Exit code 0 when
// there was a call and no error.
//
//   offer_load --target=127.0.0.1:50051 --concurrency=64 --rate=1000 --for=30s
//
// It is also an example of a Weft client outside a service: queues, a runtime on top, a channel, a
// stub, and plain blocking code on fibers.
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "platform/fiber/runtime.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/shard_queues.h"
#include "services/storefront/load/offer_load.h"

ABSL_FLAG(std::string, target, "", "the storefront's address, such as 127.0.0.1:50051");
ABSL_FLAG(int, concurrency, 32, "fibers that call, 1 to 10000");
ABSL_FLAG(double, rate, 0, "calls a second over all fibers; 0: as fast as the answers come");
ABSL_FLAG(absl::Duration, for, absl::InfiniteDuration(), "how long");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(5), "deadline of each call");
ABSL_FLAG(int, products, 1000, "products that the catalog was seeded with");
ABSL_FLAG(uint64_t, seed, 1, "of the choice of products");

namespace {

void PrintReport(absl::Duration span, const storefront::LoadCounts& counts,
                 nlohmann::json extra = nlohmann::json::object()) {
  const double seconds = absl::ToDoubleSeconds(span);
  extra["seconds"] = seconds;
  extra["calls"] = counts.calls;
  extra["errors"] = counts.errors;
  extra["calls_per_second"] = seconds > 0 ? static_cast<double>(counts.calls) / seconds : 0.0;
  extra["p50_ms"] = absl::ToDoubleMilliseconds(counts.latency.At(0.50));
  extra["p99_ms"] = absl::ToDoubleMilliseconds(counts.latency.At(0.99));
  // A server's error text may be any bytes.
  std::puts(extra.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

// Calls `stop` at the first SIGINT or SIGTERM. Made before any other thread, which so inherit the
// blocked signals.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  ~StopSignals() {
    if (!thread_.joinable()) return;
    pthread_kill(thread_.native_handle(), SIGTERM);  // `stop` is then called for nothing
    thread_.join();
  }
  void Watch(std::function<void()> stop) {
    thread_ = std::thread([this, stop = std::move(stop)] {
      int signal = 0;
      sigwait(&signals_, &signal);
      stop();
    });
  }

 private:
  sigset_t signals_;
  std::thread thread_;
};

int Fail(std::string_view text) {
  std::fprintf(stderr, "offer_load: %.*s\n", static_cast<int>(text.size()), text.data());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("puts load on a storefront: offer_load --target=HOST:PORT");
  absl::ParseCommandLine(argc, argv);
  storefront::OfferLoadOptions options;
  options.concurrency = absl::GetFlag(FLAGS_concurrency);
  options.calls_per_second = absl::GetFlag(FLAGS_rate);
  options.duration = absl::GetFlag(FLAGS_for);
  options.call_timeout = absl::GetFlag(FLAGS_timeout);
  options.products = absl::GetFlag(FLAGS_products);
  options.seed = absl::GetFlag(FLAGS_seed);
  if (absl::GetFlag(FLAGS_target).empty()) return Fail("--target=HOST:PORT is missing");
  if (options.concurrency < 1 || options.concurrency > 10'000) {
    return Fail("--concurrency must be 1 to 10000");
  }
  if (options.calls_per_second < 0) return Fail("--rate must not be negative");
  if (options.products < 1) return Fail("--products must be at least 1");

  StopSignals signals;
  weft::rpc::ShardQueues queues(/*shards=*/1);
  weft::Runtime runtime({.shards = 1, .poller_factory = queues.Pollers(), .name = "load"});
  absl::StatusOr<std::shared_ptr<weft::rpc::Channel>> channel =
      weft::rpc::Channel::Create(absl::GetFlag(FLAGS_target));
  if (!channel.ok()) return Fail(channel.status().ToString());

  storefront::OfferLoad load(
      *channel, options,
      [](absl::Duration span, const storefront::LoadCounts& counts) { PrintReport(span, counts); });
  signals.Watch([&] { runtime.Post(0, [&load] { load.Stop(); }); });
  runtime.Run([&] { load.Run(); });

  nlohmann::json extra = {{"final", true}, {"statuses", load.total().statuses}};
  if (!load.first_error().ok()) extra["first_error"] = load.first_error().ToString();
  PrintReport(load.elapsed(), load.total(), std::move(extra));
  return load.total().calls > 0 && load.total().errors == 0 ? 0 : 1;
}
