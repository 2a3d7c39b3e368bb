#include "platform/app/log_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/logging/log_levels.h"

namespace weft::app {
namespace {

using observability::Severity;
using testing::HasSubstr;
using testing::Not;

class LogPagesTest : public testing::Test {
 protected:
  ~LogPagesTest() override { observability::SetLogLevel(Severity::kInfo); }

  AdminReply Set(const std::string& form) {
    return pages_.Set(
        {.method = "POST", .body = absl::StrCat("token=", pages_.token(), "&", form)});
  }
  std::string Text() { return pages_.Show({}).body; }

  LogPages pages_;
};

TEST_F(LogPagesTest, ShowsAllModulesAndWhoseTheirLevelsAre) {
  constexpr observability::Logger kLog("shown");
  EXPECT_TRUE(kLog.Enabled(Severity::kInfo));
  EXPECT_EQ(Set("module=own&level=error").status, 200);
  EXPECT_THAT(Text(), HasSubstr("(all others)  info     \n"));
  EXPECT_THAT(Text(), HasSubstr("shown         info     of all others\n"));
  EXPECT_THAT(Text(), HasSubstr("own           error    its own\n"));

  const auto json = nlohmann::json::parse(pages_.Show({.query = {{"format", "json"}}}).body);
  EXPECT_EQ(json["level"], "info");
  EXPECT_EQ(json["token"], pages_.token());
  EXPECT_EQ(
      json["modules"][1],
      nlohmann::json({{"module", "own"}, {"level", "error"}, {"own", true}, {"until", nullptr}}));
  const AdminReply html = pages_.Show({.accept = "text/html,*/*"});
  EXPECT_THAT(html.body, HasSubstr("<option value=\"shown\">"));
  EXPECT_THAT(html.body, HasSubstr("<form method=\"post\" action=\"/debug/log/set\">"));
  EXPECT_EQ(pages_.Show({.query = {{"format", "xml"}}}).status, 400);
}

TEST_F(LogPagesTest, SetsLevelsForAWhileAndTakesThemAway) {
  constexpr observability::Logger kLog("changed");
  AdminReply reply = Set("module=changed&level=debug&for=10m");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("debug    its own, until 20"));
  EXPECT_TRUE(kLog.Enabled(Severity::kDebug));
  EXPECT_EQ(Set("module=changed&level=default&for=").status, 200);
  EXPECT_FALSE(kLog.Enabled(Severity::kDebug));
  EXPECT_EQ(Set("level=error").status, 200);
  EXPECT_FALSE(kLog.Enabled(Severity::kWarning)) << "all others";
  reply = pages_.Set({.method = "POST",
                      .accept = "text/html",
                      .body = absl::StrCat("level=info&token=", pages_.token())});
  EXPECT_THAT(reply.body, HasSubstr("<!doctype html>"));
}

TEST_F(LogPagesTest, OtherPagesCannotSendTheForm) {
  EXPECT_EQ(pages_.Set({.method = "POST", .body = "level=error"}).status, 403);
  EXPECT_EQ(pages_.Set({.method = "POST", .body = "level=error&token=0"}).status, 403);
  EXPECT_EQ(
      pages_.Set({.method = "POST", .query = {{"token", pages_.token()}}, .body = "level=error"})
          .status,
      403)
      << "it belongs into the body";
  EXPECT_TRUE(observability::LogEnabled(Severity::kInfo));
  EXPECT_NE(LogPages().token(), pages_.token());
  EXPECT_EQ(pages_.token().size(), 32u);
}

TEST_F(LogPagesTest, WhatIsWrongIsNamed) {
  const auto error = [this](const std::string& form) {
    const AdminReply reply = Set(form);
    EXPECT_EQ(reply.status, 400) << form;
    return reply.body;
  };
  EXPECT_THAT(error("module=rpc&level=loud"), HasSubstr("level=loud is not known; it is one of"));
  EXPECT_THAT(error("module=rpc"), HasSubstr("level= is not known"));
  EXPECT_THAT(error("level=debug&for=soon"), HasSubstr("for=soon is no duration above zero"));
  EXPECT_THAT(error("level=debug&for=-1s"), HasSubstr("for=-1s"));
  EXPECT_THAT(error("level=default"), HasSubstr("all modules together have a level always"));
  EXPECT_THAT(error("module=%3Cb%3E&level=debug"), HasSubstr("is no name of a module"));
  EXPECT_THAT(error("level=a%0Ab"), Not(HasSubstr("a\nb")));
}

}  // namespace
}  // namespace weft::app
