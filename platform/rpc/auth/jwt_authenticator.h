// JwtAuthenticator: who calls, and whether they may, by the token that comes with the call:
//
//   authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6…
//
//   auto auth = weft::rpc::JwtAuthenticator::Create(runtime.shards(), {.key_folder = "/keys",
//                   .issuer = "https://login.shop.test", .audience = "orders"});
//   server options: .interceptors = {auth->get()}
//
//   rpc Cancel(CancelRequest) returns (CancelReply) {
//     option (weft.method).required_scopes = "orders.write";          // proto/weft/options.proto
//   }
//
// A call is served if its token (RFC 7519)
// - is signed by a key of the folder with that key's algorithm, RS256, ES256 or HS256 (jwt_keys.h);
//   what the token says of its algorithm is compared, never believed, and "none" is refused;
// - was issued by `issuer` for `audience`;
// - has not expired (a token without `exp` is refused) and is valid already;
// - has all scopes that the method requires.
// Otherwise the answer is UNAUTHENTICATED, or PERMISSION_DENIED naming the missing scope. Why a
// token was refused is for the server's log and span: the client reads the same text whatever it
// was. Methods that are `public` need no token, nor do health and reflection, whose callers (the
// kubelet, grpcurl) have none, unless `protect_grpc_services` is set. All others need one, also
// without required_scopes; so do calls of methods that there are not.
//
// Handlers read who called by CallerClaims() (claims.h).
//
// Keys are rotated by changing files: the first call after each `reload_interval` has the folder
// read on the pool "blocking", and waits for that; others go on. A new key is used from then on,
// one whose file is gone is not, and tokens verified by it are forgotten. If the folder cannot be
// read, or a file is no key, all keys stay as they are and `on_reload_error` is told.
//
// Crypto is computation: verifying takes some 10 to 90 µs (docs/adr/0007), which is done on the
// shard, as a trip to the pool "compute" and back would cost a good part of it. Tokens are
// remembered by their SHA-256 until they expire: the next call with the same costs 2.4 µs. What
// strangers send without a key's id is refused before any crypto.
//
// Constant time: the one secret compared is an HMAC, which the library does (cjose_const_memcmp);
// all else that is compared is known to whoever sends it.
#ifndef WEFT_PLATFORM_RPC_AUTH_JWT_AUTHENTICATOR_H_
#define WEFT_PLATFORM_RPC_AUTH_JWT_AUTHENTICATOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/fiber/mutex.h"
#include "platform/rpc/auth/claims.h"
#include "platform/rpc/auth/jwt.h"
#include "platform/rpc/auth/jwt_keys.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::rpc {

struct JwtOptions {
  std::string key_folder = {};
  std::string issuer = {};
  std::string audience = {};
  // By which the clocks of issuer and server may differ.
  absl::Duration leeway = absl::Seconds(30);
  // A longer token is refused unread.
  size_t max_token_bytes = 8192;
  absl::Duration reload_interval = absl::Seconds(10);
  // Verified tokens that each shard remembers; 0: none.
  size_t cached_tokens = 1000;
  bool protect_grpc_services = false;
  // Called on a fiber, at most once in a reload_interval.
  std::function<void(const absl::Status&)> on_reload_error = nullptr;
};

struct JwtStats {
  uint64_t verified_total = 0;  // signatures looked at, right or wrong
  uint64_t cached_total = 0;    // tokens that were remembered
  uint64_t refused_total = 0;   // UNAUTHENTICATED
  uint64_t denied_total = 0;    // PERMISSION_DENIED
  uint64_t reloads_failed_total = 0;
};

class JwtAuthenticator final : public ServerInterceptor {
 public:
  // `shards` of the runtime whose server it is given to; of that one only. Reads the keys: blocks
  // the thread. Errors: INVALID_ARGUMENT naming an option that is missing or out of range; those of
  // jwt_keys.h.
  static absl::StatusOr<std::unique_ptr<JwtAuthenticator>> Create(int shards, JwtOptions options);
  ~JwtAuthenticator() override;

  InterceptorStage stage() const override { return InterceptorStage::kAuthentication; }
  bool enforces_required_scopes() const override { return true; }
  // Parks while keys are read, and is a cancel point then.
  absl::Status Intercept(CallContext& call, Next next) override;

  // Any thread, never blocks.
  JwtStats Stats() const;

 private:
  struct Shard;
  using Keys = std::shared_ptr<const internal::JwtKeys>;

  JwtAuthenticator(int shards, JwtOptions options, Keys keys);
  bool NeedsToken(const CallContext& call) const;
  absl::Status ReloadIfDue();
  void Use(absl::StatusOr<Keys> keys);
  Shard& CurrentShard();
  absl::StatusOr<std::shared_ptr<const Claims>> Authenticate(const CallContext& call);
  absl::StatusOr<std::shared_ptr<const Claims>> Verify(absl::string_view token);

  const JwtOptions options_;
  const internal::JwtRules rules_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<int64_t> next_reload_nanos_{0};  // since 1970
  // Raised when keys_ changes, so that shards need not look under the lock.
  std::atomic<uint64_t> generation_{1};
  Mutex mutex_;  // of keys_
  Keys keys_;
  std::atomic<uint64_t> verified_total_{0};
  std::atomic<uint64_t> cached_total_{0};
  std::atomic<uint64_t> refused_total_{0};
  std::atomic<uint64_t> denied_total_{0};
  std::atomic<uint64_t> reloads_failed_total_{0};
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_AUTH_JWT_AUTHENTICATOR_H_
