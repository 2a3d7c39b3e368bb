#include "platform/app/fibers_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft::app {
namespace {

using testing::HasSubstr;
using testing::Not;

// A runtime with one fiber that sleeps; `look` runs beside it.
absl::Status WithASleeper(const std::function<void(Runtime& runtime)>& look) {
  Runtime runtime({.shards = 2});
  absl::Notification sleeps;
  absl::Status status;
  std::thread runner([&] {
    status = runtime.Run([&]() -> absl::Status {
      TaskGroup group({.deadline = Now() + absl::Hours(1)});
      group.Spawn("sleeper", [] { return weft::SleepFor(absl::Hours(2)); });
      group.Spawn("watcher", [&] {
        sleeps.Notify();
        return weft::SleepFor(absl::Hours(2));
      });
      return group.Wait();
    });
  });
  sleeps.WaitForNotification();
  look(runtime);
  runner.join();
  return status;
}

std::string TokenOf(const std::string& page) {
  const std::string before = "name=\"token\" value=\"";
  const size_t begin = page.find(before);
  if (begin == std::string::npos) return "";
  return page.substr(begin + before.size(), 32);
}

// The number of the sleeper, as the page's text has it: shard, id, state….
uint64_t SleeperId(const FibersPages& pages) {
  const std::string text = pages.Show({.query = {{"name", "sleeper"}}}).body;
  const size_t row = text.find("\n0  ");
  uint64_t id = 0;
  const std::string rest = text.substr(text.find_first_not_of(' ', row + 2));
  EXPECT_TRUE(absl::SimpleAtoi(rest.substr(0, rest.find(' ')), &id)) << text;
  return id;
}

void Post(const FibersPages& pages, const std::string& body, int status, const std::string& part) {
  const AdminReply reply = pages.Cancel({.method = "POST", .body = body});
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(part));
}

TEST(FibersPages, AFiberIsListedAndCanBeCancelledByHand) {
  const absl::Status status = WithASleeper([](Runtime& runtime) {
    const FibersPages pages(runtime, /*allow_cancel=*/true);
    const std::string page = pages.Show({}).body;
    EXPECT_THAT(page, HasSubstr("fibers on 2 shards"));
    EXPECT_THAT(page, testing::ContainsRegex("parked .* 59m59\\.[0-9]*s *sleeper *sleep"));
    EXPECT_THAT(page, Not(HasSubstr("did not answer")));

    const std::string token = TokenOf(pages.Show({.query = {{"format", "html"}}}).body);
    EXPECT_EQ(token.size(), 32u);
    const uint64_t id = SleeperId(pages);
    Post(pages, absl::StrCat("id=", id, "&token=", std::string(32, '0')), 403, "the token");
    Post(pages, absl::StrCat("id=", id), 403, "the token");
    Post(pages, absl::StrCat("id=many&token=", token), 400, "the number of a fiber");
    Post(pages, absl::StrCat("id=123456789&token=", token), 404, "no fiber of number 123456789");
    Post(pages, absl::StrCat("id=", id, "&token=", token), 200, "is cancelled");
  });
  // The first failure of the group is the sleeper's.
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(status.message()), HasSubstr("by hand"));
}

TEST(FibersPages, WithoutTheSwitchNothingCanBeCancelled) {
  Runtime runtime({.shards = 1});
  const FibersPages pages(runtime, /*allow_cancel=*/false);
  Post(pages, "id=1&token=", 403, "set admin.allow_cancel");
}

TEST(FibersPages, AQueryThatIsWrongIsAnsweredWithTheMistake) {
  Runtime runtime({.shards = 1});
  const FibersPages pages(runtime, false);
  const AdminReply reply = pages.Show({.query = {{"view", "graph"}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("it is one of list, stacks, tree"));
}

TEST(FibersPages, ShardWhoseThreadIsBlockedIsNamedInBoundedTime) {
  Runtime runtime({.shards = 2});
  absl::Notification blocked;
  absl::Notification go_on;
  std::thread blocker([&] {
    runtime.Run(
        [&] {
          blocked.Notify();
          go_on.WaitForNotification();
        },
        1);
  });
  blocked.WaitForNotification();
  const std::string page = FibersPages(runtime, false).Show({}).body;
  go_on.Notify();
  blocker.join();
  EXPECT_THAT(page, HasSubstr("shard 1 did not answer"));
  EXPECT_THAT(page, Not(HasSubstr("shard 0 did not answer")));
}

}  // namespace
}  // namespace weft::app
