#include "platform/rpc/auth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/base/testing/status_matchers.h"
#include "platform/rpc/auth/token_issuer.h"

namespace weft::rpc::internal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);
constexpr char kClaims[] =
    R"({"iss":"login","aud":"orders","sub":"ann","exp":1000100,"nbf":999900,)"
    R"("scope":"orders.read orders.write"})";

struct Keys {
  const SigningKey rsa = SigningKey::Rsa();
  const SigningKey p256 = SigningKey::P256();
  const SigningKey secret = SigningKey::Secret("a secret of thirty-two characters");
  const std::shared_ptr<const JwtKeys> known = [this] {
    const std::string folder = MakeTestFolder("jwt_test");
    rsa.Publish(folder, "rsa");
    p256.Publish(folder, "p256");
    secret.Publish(folder, "secret");
    return *JwtKeys::Load(folder);
  }();
};

const Keys& TestKeys() {
  static const auto* const keys = new Keys;  // takes a moment to make
  return *keys;
}

absl::StatusOr<Claims> Verify(const std::string& token, absl::Time now = kNow) {
  return VerifyJwt(token, *TestKeys().known,
                   {.issuer = "login", .audience = "orders", .leeway = absl::Seconds(30)}, now);
}
// What becomes of a token with these claims, or this header, and a signature that is right.
absl::StatusOr<Claims> VerifyClaims(const std::string& claims) {
  return Verify(IssueToken(TestKeys().secret, "secret", claims, "HS256"));
}
absl::StatusOr<Claims> VerifyHeader(const std::string& header) {
  return Verify(IssueToken(TestKeys().secret, header, kClaims));
}

auto IsRefused(const std::string& why) {
  return StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr(why));
}

TEST(VerifyJwt, TokensOfEachAlgorithmAreGood) {
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "rsa", kClaims, "RS256")), IsOk());
  EXPECT_THAT(Verify(IssueToken(TestKeys().p256, "p256", kClaims, "ES256")), IsOk());
  const auto claims = Verify(IssueToken(TestKeys().secret, "secret", kClaims, "HS256"));
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->issuer, "login");
  EXPECT_EQ(claims->subject, "ann");
  EXPECT_THAT(claims->audience, ElementsAre("orders"));
  EXPECT_THAT(claims->scopes, ElementsAre("orders.read", "orders.write"));
  EXPECT_EQ(claims->expires_at, absl::FromUnixSeconds(1'000'100));
  EXPECT_EQ(claims->json, kClaims);
}

TEST(VerifyJwt, OtherKeyIsRefused) {
  EXPECT_THAT(Verify(IssueToken(SigningKey::Rsa(), "rsa", kClaims, "RS256")),
              IsRefused("signature is wrong"));
  EXPECT_THAT(Verify(IssueToken(SigningKey::P256(), "p256", kClaims, "ES256")),
              IsRefused("signature is wrong"));
  EXPECT_THAT(Verify(IssueToken(SigningKey::Secret("guessed"), "secret", kClaims, "HS256")),
              IsRefused("signature is wrong"));
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "other", kClaims, "RS256")),
              IsRefused("no key has the id \"other\""));
  EXPECT_THAT(VerifyHeader(R"({"alg":"HS256"})"), IsRefused("no key has the id \"\""));
}

TEST(VerifyJwt, PublicKeyIsNoSecret) {
  // The classic: a verifier that believes the token takes the RSA public key for an HMAC's secret.
  const SigningKey forger = SigningKey::Secret(TestKeys().rsa.Published());
  EXPECT_THAT(Verify(IssueToken(forger, "rsa", kClaims, "HS256")),
              IsRefused("signed with \"HS256\", but the key \"rsa\" is for RS256"));
  EXPECT_THAT(Verify(IssueToken(forger, "secret", kClaims, "HS256")),
              IsRefused("signature is wrong"));
}

TEST(VerifyJwt, AlgorithmIsPinnedByTheKey) {
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "p256", kClaims, "RS256")),
              IsRefused("is for ES256"));
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "rsa", kClaims, "RS512")), IsRefused("RS512"));
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "rsa", kClaims, "PS256")), IsRefused("PS256"));
  EXPECT_THAT(Verify(IssueToken(TestKeys().rsa, "rsa", kClaims, "rs256")),
              IsRefused("unknown algorithm"));
}

TEST(VerifyJwt, NoneIsNoAlgorithm) {
  for (const std::string none : {"none", "None", "NONE", ""}) {
    for (const std::string id : {"rsa", "secret"}) {
      const std::string header = absl::StrCat(R"({"alg":")", none, R"(","kid":")", id, R"("})");
      const std::string text = absl::StrCat(Base64Url(header), ".", Base64Url(kClaims), ".");
      EXPECT_THAT(Verify(text), IsRefused("")) << "unsigned, " << none;
      EXPECT_THAT(Verify(text + "AAAA"), IsRefused("")) << "signed with something, " << none;
    }
  }
}

TEST(VerifyJwt, ChangedBytesAreRefused) {
  const std::string good = IssueToken(TestKeys().secret, "secret", kClaims, "HS256");
  for (size_t i = 0; i < good.size(); ++i) {
    if (i + 1 == good.size()) continue;  // Two of its bits are of no byte.
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(Verify(changed), IsRefused("")) << "byte " << i;
  }
}

TEST(VerifyJwt, SignaturesCutShortAreRefused) {
  for (const auto& [key, id] :
       {std::pair(&TestKeys().secret, "secret"), std::pair(&TestKeys().p256, "p256"),
        std::pair(&TestKeys().rsa, "rsa")}) {
    std::string token = IssueToken(*key, id, kClaims, key->algorithm());
    EXPECT_THAT(Verify(token + "AAAA"), IsRefused("another length")) << id;
    while (token.back() != '.') {
      token.pop_back();
      EXPECT_THAT(Verify(token), IsRefused("")) << token;
    }
  }
}

TEST(VerifyJwt, MalformedTokensAreRefused) {
  for (const std::string token : {"", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d",
                                  "=.=.=", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA", "e30. e30.e30"}) {
    EXPECT_THAT(Verify(token), IsRefused("")) << token;
  }
  EXPECT_THAT(VerifyHeader("{"), IsRefused("header"));
  EXPECT_THAT(VerifyHeader("[]"), IsRefused("header"));
  EXPECT_THAT(VerifyHeader(R"({"alg":["HS256"],"kid":"secret"})"), IsRefused("header"));
  EXPECT_THAT(VerifyHeader(R"({"alg":"HS256","kid":["secret"]})"), IsRefused("no key"));
  EXPECT_THAT(VerifyHeader(R"({"alg":"HS256","kid":"secret","crit":["exp"]})"),
              IsRefused("critical"));
  const std::string good = IssueToken(TestKeys().secret, "secret", kClaims, "HS256");
  EXPECT_THAT(Verify(good + ".AAAA"), IsRefused("not base64url"));
  EXPECT_THAT(Verify(good + "="), IsRefused("not base64url"));
  EXPECT_THAT(Verify(std::string("\0", 1) + good), IsRefused("not base64url"));
}

TEST(VerifyJwt, HeaderNestedTooDeepForAStackIsRefused) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(VerifyHeader(absl::StrCat(R"({"alg":"HS256","kid":"secret","x":)", deep)),
              IsRefused("nested too deep"));
}

TEST(VerifyJwt, ClaimsNestedDeepAreNoHarm) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_THAT(
      VerifyClaims(absl::StrCat(R"({"iss":"login","aud":"orders","exp":1000100,"x":)", deep, "}")),
      IsOk());
}

TEST(VerifyJwt, TimesAreCheckedWithLeeway) {
  const std::string token = IssueToken(TestKeys().secret, "secret", kClaims, "HS256");
  EXPECT_THAT(Verify(token, absl::FromUnixSeconds(1'000'129)), IsOk());
  EXPECT_THAT(Verify(token, absl::FromUnixSeconds(1'000'130)),
              IsRefused("expired at 1970-01-12T13:48:20"));
  EXPECT_THAT(Verify(token, absl::FromUnixSeconds(999'870)), IsOk());
  EXPECT_THAT(Verify(token, absl::FromUnixSeconds(999'869)), IsRefused("valid from"));
}

TEST(VerifyJwt, TokenForOthersIsRefused) {
  EXPECT_THAT(VerifyClaims(R"({"iss":"other","aud":"orders","exp":1000100})"),
              IsRefused("issued by \"other\""));
  EXPECT_THAT(VerifyClaims(R"({"aud":"orders","exp":1000100})"), IsRefused("issued by \"\""));
  EXPECT_THAT(VerifyClaims(R"({"iss":"login","aud":"stock","exp":1000100})"),
              IsRefused("another audience"));
  EXPECT_THAT(VerifyClaims(R"({"iss":"login","exp":1000100})"), IsRefused("another audience"));
  EXPECT_THAT(VerifyClaims(R"({"iss":"login","aud":["stock","orders"],"exp":1000100})"), IsOk());
}

TEST(VerifyJwt, ClaimsOfWrongTypesAreRefused) {
  EXPECT_THAT(VerifyClaims("[]"), IsRefused("not a JSON object"));
  EXPECT_THAT(VerifyClaims("{"), IsRefused("not a JSON object"));
  EXPECT_THAT(VerifyClaims(R"({"iss":"login","aud":"orders"})"), IsRefused("exp is missing"));
  for (const std::string wrong :
       {R"("exp":"1000100")", R"("exp":null)", R"("exp":1e999)", R"("exp":1000100,"nbf":"1")",
        R"("exp":1000100,"sub":1)", R"("exp":1000100,"scope":1)", R"("exp":1000100,"scp":[1])"}) {
    EXPECT_THAT(VerifyClaims(absl::StrCat(R"({"iss":"login","aud":"orders",)", wrong, "}")),
                IsRefused(""))
        << wrong;
  }
  EXPECT_THAT(VerifyClaims(R"({"iss":1,"aud":"orders","exp":1000100})"), IsRefused("iss"));
  EXPECT_THAT(VerifyClaims(R"({"iss":"login","aud":[1],"exp":1000100})"), IsRefused("aud"));
}

TEST(VerifyJwt, ScopesComeInEachForm) {
  const auto scopes = [](const std::string& claim) {
    const auto claims =
        VerifyClaims(absl::StrCat(R"({"iss":"login","aud":"orders","exp":1000100.5)", claim, "}"));
    EXPECT_THAT(claims, IsOk());
    return claims.ok() ? claims->scopes : std::vector<std::string>{"?"};
  };
  EXPECT_THAT(scopes(""), IsEmpty());
  EXPECT_THAT(scopes(R"(,"scope":" a  b ")"), ElementsAre("a", "b"));
  EXPECT_THAT(scopes(R"(,"scp":"a b")"), ElementsAre("a", "b"));
  EXPECT_THAT(scopes(R"(,"scp":["a","b"],"scope":"c")"), ElementsAre("c", "a", "b"));
}

TEST(VerifyJwt, ErrorsTellNoSecret) {
  const std::string token = IssueToken(SigningKey::Secret("guessed"), "secret", kClaims, "HS256");
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  const std::string text(Verify(token).status().message());
  for (const std::string& part : parts) EXPECT_THAT(text, testing::Not(HasSubstr(part)));
}

}  // namespace
}  // namespace weft::rpc::internal
