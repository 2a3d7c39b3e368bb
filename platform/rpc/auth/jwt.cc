#include "platform/rpc/auth/jwt.h"

#include <cjose/header.h>
#include <cjose/jws.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weft::rpc::internal {
namespace {

// Objects and lists in a token's header; real ones have one to three.
constexpr int kMaxHeaderBrackets = 8;

struct Free {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
  void operator()(char* text) const { std::free(text); }
};
using Jws = std::unique_ptr<cjose_jws_t, Free>;
using Parts = std::array<absl::string_view, 3>;  // header, claims, signature

template <typename... Text>
absl::Status Refused(const Text&... text) {
  return absl::UnauthenticatedError(absl::StrCat("the token was refused: ", text...));
}

// Base64 without padding, as URLs can have it, and of a length that it can have.
bool IsBase64Url(absl::string_view text) {
  return !text.empty() && text.size() % 4 != 1 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_';
         });
}

// What a stranger sends is looked at here before the library gets it, which
// - parses the header by recursion, 2,048 levels deep: too deep for a fiber's stack;
// - compares as many bytes of an HMAC as it should have, however many the token brought
//   (CheckSignatureSize).
absl::StatusOr<Parts> Split(absl::string_view token) {
  const size_t first = token.find('.');
  const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return Refused("it has not three parts");
  const Parts parts = {token.substr(0, first), token.substr(first + 1, second - first - 1),
                       token.substr(second + 1)};
  for (const absl::string_view part : parts) {
    if (!IsBase64Url(part)) return Refused("a part of it is not base64url");
  }
  std::string header;
  if (!absl::WebSafeBase64Unescape(parts[0], &header))
    return Refused("its header is not base64url");
  const auto brackets =
      std::count_if(header.begin(), header.end(), [](char c) { return c == '{' || c == '['; });
  if (brackets > kMaxHeaderBrackets) return Refused("its header is nested too deep");
  return parts;
}

std::string HeaderText(cjose_header_t* header, const char* name) {
  const char* const text = cjose_header_get(header, name, nullptr);
  return text == nullptr ? "" : text;
}

// The key that the token names, if that is for the algorithm that the token names.
absl::StatusOr<const JwtKey*> FindKey(cjose_jws_t* jws, const JwtKeys& keys) {
  cjose_header_t* const header = cjose_jws_get_protected(jws);
  const std::string id = absl::CHexEscape(HeaderText(header, CJOSE_HDR_KID));
  const std::string algorithm = HeaderText(header, CJOSE_HDR_ALG);
  // RFC 7515, section 4.1.11: what is critical and not understood makes a token invalid.
  const std::unique_ptr<char, Free> critical(cjose_header_get_raw(header, "crit", nullptr));
  if (critical != nullptr) return Refused("it has critical extensions");
  const JwtKey* const key = keys.Find(id);
  if (key == nullptr) return Refused("no key has the id \"", id, "\"");
  if (key->algorithm != algorithm) {
    return Refused("it says that it is signed with \"", absl::CHexEscape(algorithm),
                   "\", but the key \"", id, "\" is for ", key->algorithm);
  }
  return key;
}

absl::Status CheckSignatureSize(absl::string_view signature, const JwtKey& key) {
  if (signature.size() == (key.signature_bytes * 8 + 5) / 6) return absl::OkStatus();
  return Refused("its signature has another length than those of ", key.algorithm);
}

absl::Status CheckAddressees(const Claims& claims, const JwtRules& rules) {
  if (claims.issuer != rules.issuer) {
    return Refused("it was issued by \"", absl::CHexEscape(claims.issuer), "\"");
  }
  if (std::find(claims.audience.begin(), claims.audience.end(), rules.audience) ==
      claims.audience.end()) {
    return Refused("it is for another audience");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTimes(const Claims& claims, absl::Duration leeway, absl::Time now) {
  if (now - leeway >= claims.expires_at) {
    return Refused("it expired at ", absl::FormatTime(claims.expires_at, absl::UTCTimeZone()));
  }
  if (now + leeway < claims.not_before) {
    return Refused("it is valid from ", absl::FormatTime(claims.not_before, absl::UTCTimeZone()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Claims> VerifyJwt(absl::string_view token, const JwtKeys& keys,
                                 const JwtRules& rules, absl::Time now) {
  const absl::StatusOr<Parts> parts = Split(token);
  if (!parts.ok()) return parts.status();
  const Jws jws(cjose_jws_import(token.data(), token.size(), nullptr));
  if (jws == nullptr) return Refused("its header is none, or names an unknown algorithm");
  const absl::StatusOr<const JwtKey*> key = FindKey(jws.get(), keys);
  if (!key.ok()) return key.status();
  if (absl::Status s = CheckSignatureSize((*parts)[2], **key); !s.ok()) return s;
  if (!cjose_jws_verify(jws.get(), (*key)->key.get(), nullptr)) {
    ERR_clear_error();  // The queue is the thread's: gRPC's and other fibers', too.
    return Refused("its signature is wrong");
  }
  uint8_t* text = nullptr;
  size_t bytes = 0;
  if (!cjose_jws_get_plaintext(jws.get(), &text, &bytes, nullptr)) return Refused("it is empty");
  absl::StatusOr<Claims> claims =
      ParseClaims(absl::string_view(reinterpret_cast<const char*>(text), bytes));
  if (!claims.ok()) return Refused(std::string(claims.status().message()));
  if (absl::Status s = CheckAddressees(*claims, rules); !s.ok()) return s;
  if (absl::Status s = CheckTimes(*claims, rules.leeway, now); !s.ok()) return s;
  return claims;
}

}  // namespace weft::rpc::internal
