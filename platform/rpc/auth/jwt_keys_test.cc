#include "platform/rpc/auth/jwt_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/base/testing/status_matchers.h"
#include "platform/rpc/auth/token_issuer.h"

namespace weft::rpc::internal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kSecret[] = "a secret of thirty-two characters";

class JwtKeysTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  // The error of a folder with this file alone.
  absl::Status With(const std::string& name, const std::string& text) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    WriteTestFile(File(name), text);
    return JwtKeys::Load(folder_).status();
  }
  const std::string folder_ = MakeTestFolder("jwt_keys_test");
};

TEST_F(JwtKeysTest, EachFileIsAKeyOfItsAlgorithm) {
  SigningKey::Rsa().Publish(folder_, "2026-11");
  SigningKey::P256().Publish(folder_, "curve");
  SigningKey::Secret(kSecret).Publish(folder_, "own");
  WriteTestFile(File("..data"), "Kubernetes' own");
  const auto keys = JwtKeys::Load(folder_);
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ((*keys)->Find("2026-11")->algorithm, "RS256");
  EXPECT_EQ((*keys)->Find("2026-11")->signature_bytes, 256u);
  EXPECT_EQ((*keys)->Find("curve")->algorithm, "ES256");
  EXPECT_EQ((*keys)->Find("own")->algorithm, "HS256");
  EXPECT_EQ((*keys)->Find("other"), nullptr);
  EXPECT_EQ((*keys)->Find(""), nullptr) << "it could be any of three";
}

TEST_F(JwtKeysTest, OnlyKeyNeedsNoName) {
  SigningKey::Secret(kSecret).Publish(folder_, "own");
  const auto keys = JwtKeys::Load(folder_);
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ((*keys)->Find(""), (*keys)->Find("own"));
}

TEST_F(JwtKeysTest, FingerprintChangesWithNamesAndContents) {
  EXPECT_THAT(With("a.hs256.secret", kSecret), IsOk());
  const std::string first = (*JwtKeys::Load(folder_))->fingerprint();
  EXPECT_EQ((*JwtKeys::Load(folder_))->fingerprint(), first);
  EXPECT_THAT(With("b.hs256.secret", kSecret), IsOk());
  EXPECT_NE((*JwtKeys::Load(folder_))->fingerprint(), first);
  EXPECT_THAT(With("a.hs256.secret", absl::StrCat(kSecret, "!")), IsOk());
  EXPECT_NE((*JwtKeys::Load(folder_))->fingerprint(), first);
}

TEST_F(JwtKeysTest, FilesThatAreNoKeyAreNamed) {
  constexpr auto kWrong = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(With("a.pem", "x"),
              StatusIs(kWrong, AllOf(HasSubstr("/a.pem'"), HasSubstr("is not called <key id>"))));
  EXPECT_THAT(With(".rs256.pem", "x"), StatusIs(kWrong, HasSubstr("has no keys")));
  EXPECT_THAT(With("a.rs256.pem", "x"), StatusIs(kWrong, HasSubstr("has no RSA public key")));
  EXPECT_THAT(With("a.rs256.pem", SigningKey::P256().Published()),
              StatusIs(kWrong, HasSubstr("has no RSA public key")));
  EXPECT_THAT(With("a.rs256.pem", SigningKey::Rsa(1024).Published()),
              StatusIs(kWrong, HasSubstr("less than 2048 bits")));
  EXPECT_THAT(With("a.es256.pem", SigningKey::Rsa().Published()),
              StatusIs(kWrong, HasSubstr("curve P-256")));
  EXPECT_THAT(With("a.hs256.secret", "short"), StatusIs(kWrong, HasSubstr("32 bytes")));
  EXPECT_THAT(With("a.hs256.secret", SigningKey::Rsa().Published()),
              StatusIs(kWrong, HasSubstr("is no secret")));
  EXPECT_THAT(With("a.hs256.secret", std::string(kMaxJwtKeyBytes + 1, 'x')),
              StatusIs(kWrong, HasSubstr("64 KiB")));
}

TEST_F(JwtKeysTest, FolderThatIsEmptyOrNotThereIsNamed) {
  EXPECT_THAT(JwtKeys::Load(folder_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has no keys")));
  EXPECT_THAT(JwtKeys::Load(File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none'")));
  for (size_t i = 0; i <= kMaxJwtKeys; ++i) {
    SigningKey::Secret(kSecret).Publish(folder_, absl::StrCat(i));
  }
  EXPECT_THAT(JwtKeys::Load(folder_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("at most 64 keys")));
}

}  // namespace
}  // namespace weft::rpc::internal
