#include "tests/drain/rehearsal.h"

#include <atomic>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/health/health_service.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"
#include "tests/drain/call_books.h"
#include "tests/drain/load.h"

namespace weft::drain {
namespace {

constexpr int kStreamsOfAKind = 2;

// The server's side: a service and health, as in an App.
class Subject {
 public:
  Subject(int shards, CallBooks& books)
      : queues_(shards), runtime_({.shards = shards, .poller_factory = queues_.Pollers()}) {
    auto server =
        rpc::Server::Start(runtime_, queues_, {.interceptors = {&books}}, {&service_, &health_});
    Check(server.ok(), "the server of the rehearsal did not start");
    server_ = *std::move(server);
    health_.SetServing("", true);
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", server_->ports()[0]); }
  rpc::HealthService& health() { return health_; }
  rpc::Server& server() { return *server_; }

 private:
  rpc::ShardQueues queues_;
  Runtime runtime_;
  DrainedService service_;
  rpc::HealthService health_;
  std::unique_ptr<rpc::Server> server_;
};

// The clients' side, on a runtime and a thread of its own. Joined by the
// destructor.
class Clients {
 public:
  Clients(const std::string& address, const RehearsalOptions& options, CallBooks& books,
          const std::atomic<bool>& in_grace)
      : queues_(1), runtime_({.shards = 1, .poller_factory = queues_.Pollers()}) {
    for (int i = 0; i < options.connections; ++i) {
      auto channel = rpc::Channel::Create(address, {.own_connection = true});
      Check(channel.ok(), "the rehearsal has no channel");
      callers_.push_back(std::make_unique<Caller>(*std::move(channel), books, in_grace));
    }
    thread_ = std::thread(
        [this, loops = options.unary_loops] { runtime_.Run([this, loops] { CallAll(loops); }); });
  }
  ~Clients() { thread_.join(); }

 private:
  void CallAll(int unary_loops) {
    TaskGroup group;
    for (const auto& caller : callers_) {
      for (int i = 0; i < unary_loops; ++i) group.Spawn([&caller] { caller->SayInALoop(); });
      for (int i = 0; i < kStreamsOfAKind; ++i) {
        group.Spawn([&caller] { caller->UploadInALoop(); });
        group.Spawn([&caller] { caller->DownloadInALoop(); });
        group.Spawn([&caller] { caller->WatchInALoop(); });
        group.Spawn([&caller] { caller->ChatInALoop(); });
        group.Spawn([&caller] { caller->ChatIgnoringTheDrain(); });
      }
    }
    Check(group.Wait().ok(), "a loop of the rehearsal failed");
  }

  rpc::ShardQueues queues_;
  Runtime runtime_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::thread thread_;
};

}  // namespace

RehearsalReport Rehearse(const RehearsalOptions& options) {
  RehearsalReport report;
  CallBooks books;
  std::atomic<bool> in_grace{false};
  {
    Subject subject(options.shards, books);
    const Clients clients(subject.address(), options, books, in_grace);
    absl::SleepFor(options.load);

    subject.health().Shutdown();
    in_grace = true;
    absl::SleepFor(options.grace);

    subject.health().EndWatches();
    report.in_flight = static_cast<int64_t>(subject.server().Stats().calls_in_flight);
    const absl::Time begin = absl::Now();
    const absl::Status stopped =
        subject.server().Shutdown({.grace = options.timeout, .after_cancel = options.after_cancel});
    report.drain = absl::Now() - begin;
    if (!stopped.ok())
      report.faults.push_back(absl::StrCat("the drain failed: ", stopped.ToString()));
  }
  books.Close(&report);
  return report;
}

}  // namespace weft::drain
