// Bearer tokens. An input that begins with '{' is made into a token with a good signature: its
// first line is the header and the rest are the claims, or the header is a good one and all are
// claims. Any other input is a token as a stranger sends it.
#include "platform/rpc/auth/jwt.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/rpc/auth/token_issuer.h"

namespace weft::rpc::internal {
namespace {

constexpr char kHeader[] = R"({"typ":"JWT","alg":"HS256","kid":"secret"})";

const SigningKey& Key() {
  static const auto* const key =
      new SigningKey(SigningKey::Secret("a secret of thirty-two characters"));
  return *key;
}

const JwtKeys& Keys() {
  static const auto* const keys = [] {
    const std::string folder = MakeTestFolder("jwt_fuzz");
    Key().Publish(folder, "secret");
    return new std::shared_ptr<const JwtKeys>(*JwtKeys::Load(folder));
  }();
  return **keys;
}

const JwtRules& Rules() {
  static const auto* const rules =
      new JwtRules{.issuer = "login", .audience = "orders", .leeway = absl::Seconds(30)};
  return *rules;
}

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

bool AreGood(const Claims& claims) {
  return claims.issuer == "login" &&
         std::find(claims.audience.begin(), claims.audience.end(), "orders") !=
             claims.audience.end() &&
         claims.expires_at > kNow - Rules().leeway && claims.not_before <= kNow + Rules().leeway;
}

// Whether the signature is the one that our key makes of the rest. Of its last character two bits
// belong to no byte, and any will do.
bool IsSignedByUs(const std::string& token) {
  const size_t dot = token.rfind('.');
  if (dot == std::string::npos) return false;
  std::string signed_by_us =
      absl::StrCat(token.substr(0, dot), ".", Base64Url(Key().Sign(token.substr(0, dot))));
  signed_by_us.pop_back();
  return token.size() == signed_by_us.size() + 1 && absl::StartsWith(token, signed_by_us);
}

// Whether the token passes.
bool Passes(const std::string& token) {
  const absl::StatusOr<Claims> claims = VerifyJwt(token, Keys(), Rules(), kNow);
  if (claims.ok()) {
    Check(AreGood(*claims), "claims that pass keep the rules");
    Check(IsSignedByUs(token), "only who has the key can make a good token");
    return true;
  }
  const absl::string_view message = claims.status().message();
  Check(absl::IsUnauthenticated(claims.status()), "a bad token is UNAUTHENTICATED");
  Check(absl::StartsWith(message, "the token was refused: "), "the error says what it is about");
  Check(std::all_of(message.begin(), message.end(), absl::ascii_isprint),
        "what a stranger wrote cannot break a line of the log");
  return false;
}

void CheckClaims(const std::string& json) {
  const absl::StatusOr<Claims> expected = ParseClaims(json);
  Check(Passes(IssueToken(Key(), kHeader, json)) == (expected.ok() && AreGood(*expected)),
        "good claims with a signature pass");
  if (!expected.ok()) {
    Check(absl::IsInvalidArgument(expected.status()), "bad claims are INVALID_ARGUMENT");
    return;
  }
  Check(expected->json == json, "all claims are kept as they came");
  for (const std::string& scope : expected->scopes) {
    Check(expected->HasScope(scope), "a scope that was read is there");
  }
}

void TestInput(const std::string& input) {
  if (!absl::StartsWith(input, "{")) {
    Passes(input);
    return;
  }
  CheckClaims(input);
  const std::pair<std::string, std::string> parts = absl::StrSplit(input, absl::MaxSplits('\n', 1));
  Passes(IssueToken(Key(), parts.first, parts.second));
}

}  // namespace
}  // namespace weft::rpc::internal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::rpc::internal::TestInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
