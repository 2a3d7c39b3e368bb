#include "services/pricing/pricing_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "services/pricing/price_rules.h"

namespace pricing {
namespace {

using WatchStream = weft::rpc::ServerStream<v1::WatchPricesRequest, v1::WatchPricesResponse>;
using LineQueue = weft::Channel<v1::WatchPricesRequest>;

// Lines read but not answered; a client that sends faster waits (backpressure).
constexpr size_t kUnansweredLines = 16;

// Says which line of a stream was wrong, counted from one.
absl::Status InLine(int line, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("line ", line, ": ", status.message()));
}

// Moves the client's lines into `lines` until it has finished sending.
absl::Status ReadLines(WatchStream& stream, LineQueue& lines) {
  v1::WatchPricesRequest request;
  for (int line = 1; stream.Read(&request); ++line) {
    if (line > kMaxWatchedLines) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a call watches at most ", kMaxWatchedLines, " lines: open another one"));
    }
    if (absl::Status s = ValidateLine(request.sku(), request.quantity()); !s.ok()) {
      return InLine(line, s);
    }
    if (absl::Status s = lines.Send(std::move(request)); !s.ok()) return s;
  }
  return stream.status();
}

// What one WatchPrices call has told its client.
class Watch {
 public:
  Watch(const PricingOptions& options, WatchStream& stream) : options_(options), stream_(stream) {}

  // Answers each line that comes out of `lines`, and brings the earlier ones up to date with each
  // new price list. OK when `lines` is closed and drained.
  absl::Status Run(weft::CallContext& call, LineQueue& lines) {
    for (;;) {
      const absl::Time next_list = NextPriceListAt(weft::Now(), options_.price_list_period);
      absl::StatusOr<v1::WatchPricesRequest> line = lines.ReceiveOr(next_list);
      absl::Status status;
      if (line.ok()) {
        status = Add(*line);
      } else if (absl::IsOutOfRange(line.status())) {
        return absl::OkStatus();
      } else if (absl::IsDeadlineExceeded(line.status()) && !call.scope().cancelled()) {
        status = Update();
      } else {
        status = line.status();
      }
      if (!status.ok()) return status;
    }
  }

 private:
  absl::Status Add(const v1::WatchPricesRequest& line) {
    if (absl::Status s = weft::SleepFor(options_.think_time); !s.ok()) return s;
    if (absl::Status s = Update(); !s.ok()) return s;  // a list may have begun in the meantime
    told_.push_back(MakePrice(line.sku(), line.quantity(), price_list_));
    return Tell(told_.back());
  }

  // Tells the prices that the list now in force has changed.
  absl::Status Update() {
    const int64_t list = PriceListAt(weft::Now(), options_.price_list_period);
    if (list == price_list_) return absl::OkStatus();
    price_list_ = list;
    for (v1::Price& told : told_) {
      v1::Price price = MakePrice(told.sku(), told.quantity(), list);
      if (price.total().minor_units() == told.total().minor_units()) continue;
      told = std::move(price);
      if (absl::Status s = Tell(told); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status Tell(const v1::Price& price) {
    v1::WatchPricesResponse response;
    *response.mutable_price() = price;
    return stream_.Write(response);
  }

  const PricingOptions& options_;
  WatchStream& stream_;
  int64_t price_list_ = 0;
  std::vector<v1::Price> told_;
};

}  // namespace

absl::StatusOr<v1::GetPriceResponse> PricingService::GetPrice(weft::CallContext&,
                                                              const v1::GetPriceRequest& request) {
  if (absl::Status s = ValidateLine(request.sku(), request.quantity()); !s.ok()) return s;
  if (absl::Status s = weft::SleepFor(options_.think_time); !s.ok()) return s;
  v1::GetPriceResponse response;
  *response.mutable_price() = MakePrice(request.sku(), request.quantity(),
                                        PriceListAt(weft::Now(), options_.price_list_period));
  return response;
}

absl::StatusOr<v1::PriceBasketResponse> PricingService::PriceBasket(
    weft::CallContext&, weft::rpc::ServerReader<v1::PriceBasketRequest>& requests) {
  std::vector<v1::PriceBasketRequest> lines;
  for (v1::PriceBasketRequest request; requests.Read(&request);) {
    const int line = static_cast<int>(lines.size()) + 1;
    if (line > kMaxBasketLines) {
      return absl::InvalidArgumentError(
          absl::StrCat("a basket has at most ", kMaxBasketLines, " lines"));
    }
    if (absl::Status s = ValidateLine(request.sku(), request.quantity()); !s.ok()) {
      return InLine(line, s);
    }
    lines.push_back(std::move(request));
  }
  if (!requests.status().ok()) return requests.status();
  if (lines.empty()) return absl::InvalidArgumentError("the basket is empty: send its lines");
  if (absl::Status s = weft::SleepFor(options_.think_time); !s.ok()) return s;

  const int64_t price_list = PriceListAt(weft::Now(), options_.price_list_period);
  v1::PriceBasketResponse response;
  int64_t total_cents = 0;
  for (const v1::PriceBasketRequest& line : lines) {
    v1::Price& price = *response.add_lines();
    price = MakePrice(line.sku(), line.quantity(), price_list);
    total_cents += price.total().minor_units();
  }
  response.mutable_total()->set_currency_code(kCurrency);
  response.mutable_total()->set_minor_units(total_cents);
  return response;
}

absl::Status PricingService::WatchPrices(weft::CallContext& call, WatchStream& stream) {
  LineQueue lines(kUnansweredLines);
  weft::TaskGroup group;
  group.Spawn("watch: read lines", [&] {
    absl::Status status = ReadLines(stream, lines);
    lines.Close();
    return status;
  });
  absl::Status told = Watch(options_, stream).Run(call, lines);
  // Replies fail only when the call is over. Then the reader ends too, unless it waits for room in
  // the queue.
  lines.Close();
  absl::Status read = group.Wait();
  return told.ok() ? read : told;
}

}  // namespace pricing
