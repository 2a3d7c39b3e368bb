#include "platform/app/profile_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace weft::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

[[gnu::noinline]] void AFunctionWithAName() { asm volatile(""); }

std::string AddressOf(void (*function)()) {
  return absl::StrCat("0x", absl::Hex(reinterpret_cast<uintptr_t>(function)));
}

TEST(ProfilePages, ParametersOutOfBoundsAreRefusedWithTheBounds) {
  ProfilePages pages("pricing");
  for (const std::string seconds : {"0", "-1", "301", "1.5", "", "ten", "99999999999999999999"}) {
    const AdminReply reply = pages.Profile({.query = {{"seconds", seconds}}});
    EXPECT_EQ(reply.status, 400) << seconds;
    EXPECT_EQ(reply.body, absl::StrCat("seconds=", seconds, " is no whole number from 1 to 300\n"));
  }
  const AdminReply reply = pages.Profile({.query = {{"seconds", "1"}, {"hz", "251"}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, "hz=251 is no whole number from 1 to 250\n");
}

TEST(ProfilePages, BrowserIsToldHowFirst) {
  ProfilePages pages("pricing");
  const AdminReply reply = pages.Profile({.path = "/debug/profile", .accept = "text/html,*/*"});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.content_type, StartsWith("text/html"));
  EXPECT_THAT(reply.body, AllOf(HasSubstr("google-pprof"), HasSubstr("name=\"seconds\"")));
}

TEST(ProfilePages, HeadTakesNoProfile) {
  ProfilePages pages("pricing");
  const AdminReply reply = pages.Profile({.method = "HEAD", .query = {{"seconds", "300"}}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "application/octet-stream");
}

TEST(ProfilePages, SecondProfileIsRefusedAndStopEndsTheFirstOne) {
  ProfilePages pages("pricing");
  ProfilePages others("pricing");
  std::atomic<bool> refused = false;
  AdminReply first;
  std::thread taker([&] {
    do {
      first = pages.Profile({.query = {{"seconds", "300"}}});
    } while (first.status == 409 && !refused.load());
  });
  AdminReply second;
  do {
    second = others.Profile({.query = {{"seconds", "1"}}});
  } while (second.status != 409);
  refused.store(true);
  EXPECT_EQ(second.body, "a CPU profile is being taken already; ask again when that one is done\n");
  pages.Stop();
  taker.join();
  ASSERT_EQ(first.status, 200);
  EXPECT_THAT(first.file_name, MatchesRegex("pricing-[0-9]{8}T[0-9]{6}Z\\.prof"));
  // The header of the format: five words, of which the fourth is the period in microseconds.
  const std::vector<uint64_t> header = {0, 3, 0, 10'000, 0};
  EXPECT_THAT(first.body, StartsWith(std::string(reinterpret_cast<const char*>(header.data()),
                                                 header.size() * sizeof(uint64_t))));
  const AdminReply late = pages.Profile({.query = {{"seconds", "1"}}});
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(late.body, "no CPU profile is taken during the shutdown\n");
}

TEST(ProfilePages, SymbolsAreThoseOfTheFunctionsAtTheAddresses) {
  const ProfilePages pages("pricing");
  EXPECT_EQ(pages.Symbols({}).body, "num_symbols: 1\n");
  const std::string address = AddressOf(&AFunctionWithAName);
  const AdminReply reply = pages.Symbols({.method = "POST", .body = address + "+0x10"});
  EXPECT_EQ(reply.status, 200);
  const std::vector<std::string> lines = absl::StrSplit(reply.body, '\n');
  ASSERT_EQ(lines.size(), 3U) << reply.body;
  EXPECT_THAT(lines[0], AllOf(StartsWith(address + "\t"), HasSubstr("AFunctionWithAName")));
  EXPECT_EQ(lines[1], "0x10\t0x10");
}

TEST(ProfilePages, QuestionsForSymbolsThatMakeNoSenseAreRefused) {
  const ProfilePages pages("pricing");
  const AdminReply reply = pages.Symbols({.method = "POST", .body = "0x10+main\n"});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, "main\\n is no hexadecimal address\n");
  const AdminReply long_reply =
      pages.Symbols({.method = "POST", .body = std::string(kMaxSymbolRequestBytes, '1')});
  EXPECT_EQ(long_reply.status, 413);
}

}  // namespace
}  // namespace weft::app
