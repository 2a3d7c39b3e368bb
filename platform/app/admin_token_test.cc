#include "platform/app/admin_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

using testing::HasSubstr;

const std::string kToken = "0123456789abcdef";

std::string FileWith(const std::string& text) {
  const std::string file =
      absl::StrCat(testing::TempDir(), "/",
                   testing::UnitTest::GetInstance()->current_test_info()->name(), ".token");
  std::ofstream(file) << text;
  return file;
}

std::string Error(const std::string& file) {
  const auto token = AdminToken::FromFile(file);
  return token.ok() ? "" : std::string(token.status().message());
}

std::string Basic(const std::string& user_and_password) {
  return absl::StrCat("Basic ", absl::Base64Escape(user_and_password));
}

TEST(AdminToken, IsShownAsBearerOrAsThePasswordOfAnybody) {
  const auto token = *AdminToken::FromFile(FileWith(kToken + "\n"));
  EXPECT_TRUE(token->Admits("Bearer " + kToken));
  EXPECT_TRUE(token->Admits("bearer " + kToken));
  EXPECT_TRUE(token->Admits(Basic("anybody:" + kToken)));
  EXPECT_TRUE(token->Admits(Basic(":" + kToken)));
}

TEST(AdminToken, NothingElseIsAdmitted) {
  const auto token = *AdminToken::FromFile(FileWith(kToken));
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), kToken,
        "Bearer " + kToken + "0", "Bearer " + kToken.substr(1), Basic(kToken), Basic(kToken + ":"),
        "Basic " + kToken + "!", "Digest " + kToken}) {
    EXPECT_FALSE(token->Admits(header)) << header;
  }
}

TEST(AdminToken, IsReadAgainAndTheOneBeforeCountsWhileThereIsNone) {
  const std::string file = FileWith(kToken);
  const auto token = *AdminToken::FromFile(file);
  FileWith("another token, long enough");
  EXPECT_FALSE(token->Admits("Bearer " + kToken));
  EXPECT_TRUE(token->Admits("Bearer another token, long enough"));
  std::remove(file.c_str());
  EXPECT_TRUE(token->Admits("Bearer another token, long enough"));
  EXPECT_FALSE(token->Admits("Bearer "));
}

TEST(AdminToken, ABadFileIsNamedWithWhatToDo) {
  EXPECT_THAT(Error("/nowhere/token"), HasSubstr("/nowhere/token cannot be read: No such file"));
  EXPECT_THAT(Error(FileWith("")), HasSubstr("a token of 0 bytes, which could be guessed"));
  EXPECT_THAT(Error(FileWith("short\n")), HasSubstr("openssl rand -hex 16"));
  EXPECT_THAT(Error(FileWith(std::string(5000, 'x'))), HasSubstr("more than 4096 bytes"));
}

}  // namespace
}  // namespace weft::app
