// Checks of one token: a JWT in JWS compact form (RFC 7519, RFC 7515), signed by a known key.
#ifndef WEFT_PLATFORM_RPC_AUTH_JWT_H_
#define WEFT_PLATFORM_RPC_AUTH_JWT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/rpc/auth/claims.h"
#include "platform/rpc/auth/jwt_keys.h"

namespace weft::rpc::internal {

struct JwtRules {
  std::string issuer;
  std::string audience;   // one of the token's
  absl::Duration leeway;  // by which clocks may differ
};

// The claims of `token`, whose signature, issuer, audience and times are right. UNAUTHENTICATED
// with a text for the server's log, never with parts of the token but its key id and algorithm.
// Computes: some 10 to 90 µs (docs/adr/0007); neither parks nor blocks. Any thread.
absl::StatusOr<Claims> VerifyJwt(absl::string_view token, const JwtKeys& keys,
                                 const JwtRules& rules, absl::Time now);

// Whether claims that were right before are so now.
absl::Status CheckTimes(const Claims& claims, absl::Duration leeway, absl::Time now);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_AUTH_JWT_H_
