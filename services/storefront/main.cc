#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/app/app.h"
#include "platform/rpc/client/channel.h"
#include "services/storefront/storefront_service.h"

namespace {

// A channel to the target that the key configures.
absl::StatusOr<std::shared_ptr<weft::rpc::Channel>> ChannelOf(weft::app::App& app,
                                                              const std::string& key) {
  auto channel = app.Channel(app.config().String(key));
  if (channel.ok()) return channel;
  return absl::Status(channel.status().code(), absl::StrCat(key, ": ", channel.status().message()));
}

absl::Status SetUp(weft::app::App& app) {
  auto catalog = ChannelOf(app, "storefront.catalog_target");
  if (!catalog.ok()) return catalog.status();
  auto pricing = ChannelOf(app, "storefront.pricing_target");
  if (!pricing.ok()) return pricing.status();
  app.Serve(std::make_unique<storefront::StorefrontService>(
      *std::move(catalog), *std::move(pricing),
      storefront::StorefrontOptions{.deadline = app.config().Duration("storefront.deadline")}));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return weft::app::Main(argc, argv,
                         {.name = "storefront",
                          .version = "1.0.0",
                          .config = {{.name = "storefront.catalog_target",
                                      .value = "dns:///catalog:50051",
                                      .help = "where the catalog is, as gRPC names targets"},
                                     {.name = "storefront.pricing_target",
                                      .value = "dns:///pricing:50051",
                                      .help = "where pricing is, as gRPC names targets"},
                                     {.name = "storefront.deadline",
                                      .value = absl::Seconds(1),
                                      .help = "the longest that one question to them may take",
                                      .min = absl::Milliseconds(1),
                                      .max = absl::Hours(24)}}},
                         SetUp);
}
