#include "platform/observability/logging/log_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/clock.h"
#include "platform/base/testing/status_matchers.h"

namespace weft::observability {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Levels are the process's: each test has modules of its own, and puts that of all back.
class LogLevelsTest : public testing::Test {
 protected:
  ~LogLevelsTest() override { SetLogLevel(Severity::kInfo); }

  static ModuleLogLevel Of(const std::string& module) {
    for (const ModuleLogLevel& level : LogLevels()) {
      if (level.module == module) return level;
    }
    ADD_FAILURE() << "no module " << module;
    return {};
  }
};

TEST_F(LogLevelsTest, AModuleFollowsAllOthersUntilItHasALevelOfItsOwn) {
  constexpr Logger kLog("follows");
  EXPECT_TRUE(kLog.Enabled(Severity::kInfo));
  EXPECT_FALSE(kLog.Enabled(Severity::kDebug));
  SetLogLevel(Severity::kError);
  EXPECT_FALSE(kLog.Enabled(Severity::kInfo));
  EXPECT_FALSE(Of("follows").own);
  EXPECT_EQ(Of("follows").level, Severity::kError);

  ASSERT_THAT(SetModuleLogLevel("follows", Severity::kDebug), IsOk());
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug));
  EXPECT_FALSE(LogEnabled(Severity::kWarning)) << "the others stay";
  SetLogLevel(Severity::kWarning);
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug));
  EXPECT_TRUE(Of("follows").own);

  ASSERT_THAT(ClearModuleLogLevel("follows"), IsOk());
  EXPECT_FALSE(kLog.Enabled(Severity::kInfo));
  EXPECT_TRUE(kLog.Enabled(Severity::kWarning));
}

TEST_F(LogLevelsTest, ALevelMayBeSetBeforeItsModulesFirstLine) {
  ASSERT_THAT(SetModuleLogLevel("early", Severity::kDebug), IsOk());
  constexpr Logger kLog("early");
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug));
  constexpr Logger kAgain("early");
  EXPECT_TRUE(kAgain.Enabled(Severity::kDebug)) << "a module's loggers have one level";
}

TEST_F(LogLevelsTest, LinesOfAModuleAreWrittenByItsLevel) {
  std::vector<std::string> lines;
  InitLogging({.write = [&](absl::string_view line) { lines.emplace_back(line); }});
  constexpr Logger kLog("written");
  ASSERT_THAT(SetModuleLogLevel("written", Severity::kDebug), IsOk());
  kLog.Debug("shown");
  Log(Severity::kDebug, "hidden");
  ASSERT_THAT(SetModuleLogLevel("written", Severity::kError), IsOk());
  kLog.Warning("hidden too");
  Log(Severity::kWarning, "shown too");
  ShutdownLogging();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("\"shown\""), HasSubstr("\"shown too\"")));
}

TEST_F(LogLevelsTest, ALevelForAWhileGoesBackToTheOneBefore) {
  constexpr Logger kLog("briefly");
  const absl::Time now = Clock::Real().Now();
  ASSERT_THAT(SetModuleLogLevel("briefly", Severity::kWarning), IsOk());
  ASSERT_THAT(SetModuleLogLevel("briefly", Severity::kDebug, absl::Hours(1)), IsOk());
  ASSERT_THAT(SetModuleLogLevel("", Severity::kError, absl::Hours(2)), IsOk());
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug));
  EXPECT_FALSE(LogEnabled(Severity::kWarning));
  EXPECT_GT(Of("briefly").until, now);

  internal::RestoreLogLevels(now + absl::Minutes(59));
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug)) << "not yet";
  internal::RestoreLogLevels(now + absl::Minutes(61));
  EXPECT_FALSE(kLog.Enabled(Severity::kInfo));
  EXPECT_TRUE(kLog.Enabled(Severity::kWarning));
  EXPECT_EQ(Of("briefly").until, absl::InfiniteFuture());
  EXPECT_FALSE(LogEnabled(Severity::kWarning)) << "that of all has another hour";
  internal::RestoreLogLevels(now + absl::Minutes(121));
  EXPECT_TRUE(LogEnabled(Severity::kInfo));
}

TEST_F(LogLevelsTest, ALevelForGoodEndsOneForAWhile) {
  constexpr Logger kLog("for_good");
  ASSERT_THAT(SetModuleLogLevel("for_good", Severity::kDebug, absl::Hours(1)), IsOk());
  ASSERT_THAT(SetModuleLogLevel("for_good", Severity::kError), IsOk());
  EXPECT_FALSE(kLog.Enabled(Severity::kWarning));
  internal::RestoreLogLevels(Clock::Real().Now() + absl::Hours(2));
  EXPECT_FALSE(kLog.Enabled(Severity::kWarning));
}

TEST_F(LogLevelsTest, TextOfLevelsIsRead) {
  EXPECT_THAT(ParseLogLevels("").value(), IsEmpty());
  EXPECT_THAT(ParseLogLevels("rpc=debug, catalog=warning").value(),
              ElementsAre(Pair("rpc", Severity::kDebug), Pair("catalog", Severity::kWarning)));
  const auto error = [](absl::string_view text) {
    return std::string(ParseLogLevels(text).status().message());
  };
  EXPECT_THAT(error("rpc"), HasSubstr("of the module rpc the log level \"\" is none of"));
  EXPECT_THAT(error("rpc=loud"), HasSubstr("\"loud\""));
  EXPECT_THAT(error("=debug"), HasSubstr("\"\" is no name of a module"));
  EXPECT_THAT(error("a b=debug"), HasSubstr("\"a b\" is no name of a module"));
  EXPECT_THAT(error("rpc=debug,rpc=info"), HasSubstr("rpc is given two levels"));
}

TEST_F(LogLevelsTest, WhatCannotBeIsRefused) {
  EXPECT_THAT(SetModuleLogLevel("rpc", Severity::kInfo, absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("above zero")));
  EXPECT_THAT(SetModuleLogLevel("a\nb", Severity::kInfo),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"a\\nb\" is no name")));
  EXPECT_THAT(SetModuleLogLevel(std::string(65, 'x'), Severity::kInfo),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is no name")));
  EXPECT_THAT(ClearModuleLogLevel(""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("")));
  EXPECT_THAT(ClearModuleLogLevel("never seen"), IsOk());
}

TEST_F(LogLevelsTest, ThreadsMayLogWhileLevelsChange) {
  constexpr Logger kLog("threads");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        if (kLog.Enabled(Severity::kError)) internal::RestoreLogLevels(Clock::Real().Now());
      }
    });
  }
  for (int n = 0; n < 1000; ++n) {
    ASSERT_THAT(SetModuleLogLevel("threads", n % 2 == 0 ? Severity::kDebug : Severity::kError,
                                  absl::Nanoseconds(1 + n)),
                IsOk());
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Of("threads").module, "threads");
}

// The last one: it fills the table for good.
TEST_F(LogLevelsTest, ZModulesAreBounded) {
  absl::Status status;
  for (size_t i = 0; i <= kMaxLogModules && status.ok(); ++i) {
    status = SetModuleLogLevel(absl::StrCat("made.up/", i), Severity::kDebug);
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("256 modules")));
  constexpr Logger kLog("one_too_many");
  EXPECT_FALSE(kLog.Enabled(Severity::kDebug)) << "it has the level of all";
  EXPECT_TRUE(kLog.Enabled(Severity::kInfo));
}

}  // namespace
}  // namespace weft::observability
