#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/app/app.h"
#include "services/pricing/pricing_service.h"

int main(int argc, char** argv) {
  const pricing::PricingOptions defaults;
  return weft::app::Main(
      argc, argv,
      {.name = "pricing",
       .version = "1.0.0",
       .config = {{.name = "pricing.think_time",
                   .value = defaults.think_time,
                   .help = "how long an answer waits, as if it had to be computed",
                   .max = absl::Hours(24)},
                  {.name = "pricing.price_list_period",
                   .value = defaults.price_list_period,
                   .help = "how long a price list is in force; 0s: for ever",
                   .max = absl::Hours(24 * 365)}}},
      [](weft::app::App& app) -> absl::Status {
        app.Serve(std::make_unique<pricing::PricingService>(pricing::PricingOptions{
            .think_time = app.config().Duration("pricing.think_time"),
            .price_list_period = app.config().Duration("pricing.price_list_period")}));
        return absl::OkStatus();
      });
}
