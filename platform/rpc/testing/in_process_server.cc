#include "platform/rpc/testing/in_process_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "absl/strings/str_cat.h"
#include "platform/fiber/testing/leak_check.h"
#include "platform/fiber/testing/seeds.h"

namespace weft::rpc {
namespace {

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "InProcessServer: %s\n", status.ToString().c_str());
  std::abort();
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status());
  return *std::move(value);
}

// Abstract names are shared by all processes of a network namespace.
std::string UnusedTarget() {
  std::random_device random;
  return absl::StrCat("unix-abstract:weft-test-", absl::Hex(random()), absl::Hex(random()));
}

}  // namespace

InProcessServer::InProcessServer(std::vector<Service*> services, InProcessServerOptions options)
    : seed_(SeedToReplay().value_or(options.runtime.shuffle_seed)),
      clock_(options.clock),
      target_(UnusedTarget()),
      faults_(seed_, [this] { Disconnect(); }) {
  if (seed_ != 0) weft::internal::NoteSeed(seed_);
  options.runtime.shards = std::max(options.runtime.shards, 1);
  const Clock& clock = clock_ == nullptr ? Clock::Real() : *clock_;
  options.runtime.clock = &clock;
  options.runtime.shuffle_seed = seed_;
  queues_ = std::make_unique<ShardQueues>(options.runtime.shards);
  options.runtime.poller_factory = queues_->Pollers(clock);
  runtime_ = std::make_unique<Runtime>(std::move(options.runtime));
  if (clock_ != nullptr) clock_->Add(*runtime_);
  options.server.listen = {target_};
  std::vector<ServerInterceptor*>& interceptors = options.server.interceptors;
  interceptors.insert(interceptors.begin(), {&calls_, &faults_});
  server_ =
      OrDie(Server::Start(*runtime_, *queues_, std::move(options.server), std::move(services)));
  channel_ = Connect(std::move(options.channel));
}

std::shared_ptr<Channel> InProcessServer::Connect(ChannelOptions options) const {
  options.own_connection = true;
  return OrDie(Channel::Create(target_, std::move(options)));
}

void InProcessServer::Stop() {
  const absl::Status status = server_->Shutdown({.grace = absl::ZeroDuration()});
  // A handler that does not return would hang the test in the runtime's destructor.
  if (!status.ok()) Die(status);
}

InProcessServer::~InProcessServer() {
  Stop();
  channel_.reset();
  server_.reset();
  if (clock_ != nullptr) clock_->Remove(*runtime_);
  const std::string fibers = DescribeFibers(*runtime_);
  if (!fibers.empty()) {
    ADD_FAILURE() << "fibers are left at the end of an InProcessServer:" << fibers;
    runtime_.release();
    queues_.release();
    return;
  }
  DescribeFibers(*runtime_);  // Lets each shard end the turn in which it listed; then it publishes.
  const std::string imbalance = DescribeImbalance(runtime_->Stats());
  EXPECT_TRUE(imbalance.empty()) << "at the end of an InProcessServer a runtime is at rest, but:"
                                 << imbalance;
}

}  // namespace weft::rpc
