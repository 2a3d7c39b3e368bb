#include "platform/rpc/auth/claims.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_local.h"

namespace weft::rpc {
namespace {

using Json = nlohmann::json;

FiberLocal<std::shared_ptr<const Claims>>& Callers() {
  // Never destroyed: threads outlive statics.
  static auto* const callers = new FiberLocal<std::shared_ptr<const Claims>>;
  return *callers;
}

absl::Status Mistake(const char* claim, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("the claim ", claim, " ", what));
}

// A number of seconds since 1970, perhaps with a fraction (RFC 7519, NumericDate).
absl::Status ReadTime(const Json& claims, const char* name, absl::Time* time) {
  const auto claim = claims.find(name);
  if (claim == claims.end()) return absl::OkStatus();
  if (!claim->is_number()) return Mistake(name, "is not a number");
  *time = absl::UnixEpoch() + absl::Seconds(claim->get<double>());  // saturates
  return absl::OkStatus();
}

absl::Status ReadText(const Json& claims, const char* name, std::string* text) {
  const auto claim = claims.find(name);
  if (claim == claims.end()) return absl::OkStatus();
  if (!claim->is_string()) return Mistake(name, "is not a string");
  *text = claim->get<std::string>();
  return absl::OkStatus();
}

// A string, or a list of strings; a string is split at spaces if wanted.
absl::Status ReadList(const Json& claims, const char* name, bool split,
                      std::vector<std::string>* list) {
  const auto claim = claims.find(name);
  if (claim == claims.end()) return absl::OkStatus();
  if (claim->is_string()) {
    const auto text = claim->get<std::string>();
    if (!split) {
      list->push_back(text);
      return absl::OkStatus();
    }
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      list->emplace_back(word);
    }
    return absl::OkStatus();
  }
  if (!claim->is_array()) return Mistake(name, "is neither a string nor a list of strings");
  for (const Json& entry : *claim) {
    if (!entry.is_string()) return Mistake(name, "has an entry that is not a string");
    list->push_back(entry.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace

bool Claims::HasScope(absl::string_view scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::shared_ptr<const Claims> CallerClaims() {
  if (!OnFiber()) return nullptr;
  const auto* const caller = Callers().GetIfSet();
  return caller == nullptr ? nullptr : *caller;
}

absl::StatusOr<Claims> ParseClaims(absl::string_view json) {
  const Json object = Json::parse(json.begin(), json.end(), nullptr,
                                  /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("the claims are not a JSON object");
  Claims claims;
  claims.expires_at = absl::InfinitePast();
  claims.json = std::string(json);
  for (const absl::Status& status :
       {ReadTime(object, "exp", &claims.expires_at), ReadTime(object, "nbf", &claims.not_before),
        ReadText(object, "iss", &claims.issuer), ReadText(object, "sub", &claims.subject),
        ReadList(object, "aud", /*split=*/false, &claims.audience),
        ReadList(object, "scope", /*split=*/true, &claims.scopes),
        ReadList(object, "scp", /*split=*/true, &claims.scopes)}) {
    if (!status.ok()) return status;
  }
  // RFC 7519 leaves it to us: one that never expires can never be got rid of.
  if (!object.contains("exp")) return Mistake("exp", "is missing");
  return claims;
}

namespace internal {

ScopedCallerClaims::ScopedCallerClaims(std::shared_ptr<const Claims> claims) {
  Callers().Get() = std::move(claims);
}

ScopedCallerClaims::~ScopedCallerClaims() { Callers().Clear(); }

}  // namespace internal
}  // namespace weft::rpc
