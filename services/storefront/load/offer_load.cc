#include "services/storefront/load/offer_load.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"

namespace storefront {
namespace {

// A server that refuses is not hammered.
constexpr absl::Duration kPauseAfterError = absl::Milliseconds(20);

constexpr int kMaxPieces = 12;

}  // namespace

void LoadCounts::Add(const LoadCounts& other) {
  calls += other.calls;
  errors += other.errors;
  latency.Add(other.latency);
  for (const auto& [status, count] : other.statuses) statuses[status] += count;
}

OfferLoad::OfferLoad(std::shared_ptr<weft::rpc::Channel> storefront,
                     const OfferLoadOptions& options, Report report)
    : options_(options),
      report_(std::move(report)),
      call_options_{.timeout = options.call_timeout},
      storefront_(std::move(storefront)) {}

void OfferLoad::Run() {
  const absl::Time start = weft::Now();
  weft::CancelScope scope({.deadline = start + options_.duration});
  scope_ = &scope;
  if (stopped_) scope.Cancel();
  {
    weft::TaskGroup group;
    for (int worker = 0; worker < options_.concurrency; ++worker) {
      group.Spawn("load", [this, worker, start] { Work(worker, start); });
    }
    group.Spawn("report", [this, start] { ReportAll(start); });
    group.Wait().IgnoreError();  // errors of calls are counted where they happen
  }
  scope_ = nullptr;
  elapsed_ = weft::Now() - start;
  total_.Add(std::exchange(unreported_, {}));
}

void OfferLoad::Stop() {
  stopped_ = true;
  if (scope_ != nullptr) scope_->Cancel();
}

void OfferLoad::Work(int worker, absl::Time start) {
  std::mt19937_64 random(options_.seed * 1'000'003 + static_cast<uint64_t>(worker));
  const bool paced = options_.calls_per_second > 0;
  const absl::Duration step =
      paced ? absl::Seconds(1 / options_.calls_per_second) : absl::ZeroDuration();
  absl::Time planned = start + step * worker;
  while (!scope_->cancelled()) {
    if (paced && !weft::SleepUntil(planned).ok()) return;
    const absl::Status status = Ask(random, paced ? planned : weft::Now());
    planned += step * options_.concurrency;
    if (!status.ok() && !weft::SleepFor(kPauseAfterError).ok()) return;
  }
}

absl::Status OfferLoad::Ask(std::mt19937_64& random, absl::Time planned) {
  v1::GetOfferRequest request;
  request.set_sku(absl::StrFormat("SKU-%06d", 1 + random() % options_.products));
  request.set_quantity(static_cast<int32_t>(1 + random() % kMaxPieces));
  // Shielded: the end of the load is no failure of the calls under way, they may finish.
  weft::CancelScope shield({.shield = true});
  absl::StatusOr<v1::GetOfferResponse> response = storefront_.GetOffer(request, call_options_);

  ++unreported_.calls;
  ++unreported_.statuses[absl::StatusCodeToString(response.status().code())];
  if (response.ok()) {
    unreported_.latency.Record(weft::Now() - planned);
    return absl::OkStatus();
  }
  ++unreported_.errors;
  if (first_error_.ok()) first_error_ = response.status();
  return response.status();
}

void OfferLoad::ReportAll(absl::Time start) {
  absl::Time last = start;
  while (weft::SleepUntil(last + options_.report_interval).ok()) {
    const absl::Time now = weft::Now();
    const LoadCounts counts = std::exchange(unreported_, {});
    total_.Add(counts);
    report_(now - last, counts);
    last = now;
  }
}

}  // namespace storefront
