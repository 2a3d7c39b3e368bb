#include "platform/app/auth_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/testing/status_matchers.h"
#include "platform/rpc/auth/token_issuer.h"

namespace weft::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsNull;
using testing::NotNull;

Config Load(std::vector<std::pair<std::string, std::string>> flags) {
  CommandLine command_line;
  command_line.flags = std::move(flags);
  const auto config = LoadConfig(AuthConfigKeys(), command_line);
  EXPECT_THAT(config, IsOk());
  return *config;
}

std::string KeyFolder() {
  const std::string folder = rpc::MakeTestFolder("auth_config_test");
  rpc::SigningKey::P256().Publish(folder, "current");
  return folder;
}

constexpr rpc::MethodDescriptor kGuarded = {
    "/test.Shop/Buy", rpc::MethodKind::kUnary, {.required_scopes = "shop.buy"}};

class Shop final : public rpc::Service {
 public:
  Shop() {
    AddMethod(kGuarded, [](rpc::Service&, rpc::ServerCall&) { return absl::OkStatus(); });
  }
};

TEST(AuthConfig, NobodyNeedsATokenByDefault) {
  EXPECT_THAT(MakeAuthenticator(Load({}), 1), IsOkAndHolds(IsNull()));
}

TEST(AuthConfig, FolderIssuerAndAudienceMakeAnAuthenticator) {
  EXPECT_THAT(MakeAuthenticator(Load({{"auth.jwt.key_folder", KeyFolder()},
                                      {"auth.jwt.issuer", "login"},
                                      {"auth.jwt.audience", "orders"}}),
                                2),
              IsOkAndHolds(NotNull()));
}

TEST(AuthConfig, KeysThatDoNotGoTogetherAreNamed) {
  const auto fails = [](std::vector<std::pair<std::string, std::string>> flags, const char* why) {
    EXPECT_THAT(MakeAuthenticator(Load(std::move(flags)), 1).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  fails({{"auth.jwt.key_folder", KeyFolder()}, {"auth.jwt.audience", "a"}},
        "auth.jwt.issuer is empty");
  fails({{"auth.jwt.key_folder", KeyFolder()}, {"auth.jwt.issuer", "a"}},
        "auth.jwt.audience is empty");
  fails({{"auth.jwt.issuer", "a"}}, "auth.jwt.key_folder is not");
  fails({{"auth.jwt.key_folder", KeyFolder()},
         {"auth.jwt.issuer", "a"},
         {"auth.jwt.audience", "b"},
         {"auth.ignore_required_scopes", "true"}},
        "choose one");
}

TEST(AuthConfig, FolderThatCannotBeReadIsNamed) {
  EXPECT_THAT(
      MakeAuthenticator(Load({{"auth.jwt.key_folder", "/nowhere"},
                              {"auth.jwt.issuer", "a"},
                              {"auth.jwt.audience", "b"}}),
                        1)
          .status(),
      StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("auth.jwt: "), HasSubstr("/nowhere"))));
}

TEST(AuthConfig, MethodsWithScopesAreNotOpenedInSilence) {
  Shop shop;
  EXPECT_THAT(CheckRequiredScopes(Load({}), {&shop}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("auth.jwt.key_folder"), HasSubstr("test.Shop/Buy"))));
  EXPECT_THAT(CheckRequiredScopes(Load({{"auth.ignore_required_scopes", "true"}}), {&shop}),
              IsOk());
  EXPECT_THAT(CheckRequiredScopes(Load({{"auth.jwt.key_folder", "/keys"}}), {&shop}), IsOk());
  EXPECT_THAT(CheckRequiredScopes(Load({}), {}), IsOk());
}

}  // namespace
}  // namespace weft::app
