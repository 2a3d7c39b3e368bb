// The keys that tokens are checked with, each for one algorithm: a folder of files.
//
//   <key id>.rs256.pem      an RSA public key of at least 2048 bits
//   <key id>.es256.pem      a public key on the curve P-256
//   <key id>.hs256.secret   a secret of at least 32 bytes, used as it is but for one newline at its
//                           end
//
// Files whose name begins with a dot are left alone, as Kubernetes puts such beside those of a
// mounted secret; any other name is an error, so that no key is missing for a slip.
//
// The name of the file pins the algorithm, never what a token says of itself: a token that is
// "signed" by HS256 with an RSA public key as the secret finds no HS256 key.
#ifndef WEFT_PLATFORM_RPC_AUTH_JWT_KEYS_H_
#define WEFT_PLATFORM_RPC_AUTH_JWT_KEYS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct _cjose_jwk_int;

namespace weft::rpc::internal {

inline constexpr size_t kMaxJwtKeys = 64;
inline constexpr size_t kMaxJwtKeyBytes = 64 * 1024;

struct JwkRelease {
  void operator()(_cjose_jwk_int* key) const;
};

struct JwtKey {
  std::string algorithm;       // "RS256"
  size_t signature_bytes = 0;  // of every signature by it
  std::unique_ptr<_cjose_jwk_int, JwkRelease> key;
};

// Immutable: fibers of all shards use it at once.
class JwtKeys {
 public:
  // Reads the folder: blocks the thread. Errors name the file and what to do: NOT_FOUND,
  // PERMISSION_DENIED … for what cannot be read, FAILED_PRECONDITION for a file that is no such
  // key, a folder without keys or with more than kMaxJwtKeys.
  static absl::StatusOr<std::shared_ptr<const JwtKeys>> Load(const std::string& folder);

  // The key of this id; with an empty id the only key there is. Null if there is none.
  const JwtKey* Find(absl::string_view id) const;
  // Differs when any name or content does. Tells nothing of them.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  absl::Status Add(absl::string_view name, const std::string& path);
  std::map<std::string, JwtKey, std::less<>> keys_;
  std::string fingerprint_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_AUTH_JWT_KEYS_H_
