// Claims: what a caller's verified token says of it (RFC 7519).
//
//   if (const auto caller = weft::rpc::CallerClaims()) Audit(caller->subject, "cancelled an
//   order");
//
// They follow the work: the fiber of a call has them, and so have the children of its task groups,
// however deep.
#ifndef WEFT_PLATFORM_RPC_AUTH_CLAIMS_H_
#define WEFT_PLATFORM_RPC_AUTH_CLAIMS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weft::rpc {

struct Claims {
  std::string issuer;                            // iss
  std::string subject;                           // sub; empty where there is none
  std::vector<std::string> audience;             // aud
  std::vector<std::string> scopes;               // scope, and scp
  absl::Time expires_at;                         // exp
  absl::Time not_before = absl::InfinitePast();  // nbf
  // All of them, as the token has them: a JSON object, for claims of one's own.
  std::string json;

  bool HasScope(absl::string_view scope) const;
};

// What the token of the call says that this fiber works for; null where nobody had to show one.
// Never parks. Off fibers: null.
std::shared_ptr<const Claims> CallerClaims();

// Reads a set of claims. INVALID_ARGUMENT, with a text that names the claim, when it is no JSON
// object, has no `exp`, or has a claim of another type than RFC 7519 gives it. `scope` is a string
// of scopes with spaces between them (RFC 9068), `scp` such a string or a list.
absl::StatusOr<Claims> ParseClaims(absl::string_view json);

namespace internal {

// The claims of the calling fiber, as long as it lives.
class ScopedCallerClaims {
 public:
  explicit ScopedCallerClaims(std::shared_ptr<const Claims> claims);
  ~ScopedCallerClaims();
  ScopedCallerClaims(const ScopedCallerClaims&) = delete;
  ScopedCallerClaims& operator=(const ScopedCallerClaims&) = delete;
};

}  // namespace internal
}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_AUTH_CLAIMS_H_
