#include "platform/rpc/auth/jwt_authenticator.h"

#include <openssl/sha.h>

#include <mutex>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/base/check.h"
#include "platform/fiber/blocking.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/auth/token_cache.h"
#include "platform/rpc/error_details.h"

namespace weft::rpc {
namespace {

constexpr char kNoToken[] = "the call needs metadata \"authorization\" with \"Bearer <token>\"";
constexpr char kBadToken[] = "the bearer token was refused: get a new one";

absl::Status Validate(const JwtOptions& options) {
  const auto missing = [](const char* name, const char* what) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is empty: name ", what));
  };
  if (options.key_folder.empty()) return missing("key_folder", "the folder of the keys");
  if (options.issuer.empty()) return missing("issuer", "who issues the tokens (iss)");
  if (options.audience.empty()) return missing("audience", "what this service is called (aud)");
  if (options.leeway < absl::ZeroDuration() || options.leeway > absl::Minutes(10)) {
    return absl::InvalidArgumentError("leeway must be from zero to ten minutes");
  }
  if (options.reload_interval < absl::Seconds(1) || options.reload_interval > absl::Hours(24)) {
    return absl::InvalidArgumentError("reload_interval must be from 1 s to 24 h");
  }
  return absl::OkStatus();
}

std::string Digest(absl::string_view token) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// What of the scopes that the method requires the caller lacks; empty: nothing.
absl::string_view MissingScope(const MethodDescriptor& method, const Claims& claims) {
  for (absl::string_view scope :
       absl::StrSplit(method.options.required_scopes, ' ', absl::SkipEmpty())) {
    if (!claims.HasScope(scope)) return scope;
  }
  return {};
}

}  // namespace

struct JwtAuthenticator::Shard {
  explicit Shard(size_t cached_tokens) : tokens(cached_tokens) {}
  uint64_t generation = 0;
  Keys keys;
  internal::TokenCache tokens;
};

absl::StatusOr<std::unique_ptr<JwtAuthenticator>> JwtAuthenticator::Create(int shards,
                                                                           JwtOptions options) {
  if (absl::Status s = Validate(options); !s.ok()) return s;
  absl::StatusOr<Keys> keys = internal::JwtKeys::Load(options.key_folder);
  if (!keys.ok()) return keys.status();
  return absl::WrapUnique(new JwtAuthenticator(shards, std::move(options), *std::move(keys)));
}

JwtAuthenticator::JwtAuthenticator(int shards, JwtOptions options, Keys keys)
    : options_(std::move(options)),
      rules_{.issuer = options_.issuer, .audience = options_.audience, .leeway = options_.leeway},
      keys_(std::move(keys)) {
  for (int i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(options_.cached_tokens));
  }
}

JwtAuthenticator::~JwtAuthenticator() = default;

bool JwtAuthenticator::NeedsToken(const CallContext& call) const {
  const MethodDescriptor& method = call.method();
  if (method.options.is_public) return false;
  const absl::string_view path = method.path;
  return options_.protect_grpc_services ||
         !(absl::StartsWith(path, "/grpc.health.") || absl::StartsWith(path, "/grpc.reflection."));
}

absl::Status JwtAuthenticator::Intercept(CallContext& call, Next next) {
  if (!NeedsToken(call)) return next();
  if (absl::Status s = ReloadIfDue(); !s.ok()) return s;
  absl::StatusOr<std::shared_ptr<const Claims>> claims = Authenticate(call);
  if (!claims.ok()) {
    refused_total_.fetch_add(1, std::memory_order_relaxed);
    return claims.status();
  }
  const absl::string_view missing = MissingScope(call.method(), **claims);
  if (!missing.empty()) {
    denied_total_.fetch_add(1, std::memory_order_relaxed);
    return absl::PermissionDeniedError(absl::StrCat(
        "the token lacks the scope \"", missing, "\", which ", call.method().name(), " requires"));
  }
  const internal::ScopedCallerClaims caller(*std::move(claims));
  return next();
}

absl::Status JwtAuthenticator::ReloadIfDue() {
  const absl::Time now = weft::Now();
  int64_t due = next_reload_nanos_.load(std::memory_order_relaxed);
  if (absl::ToUnixNanos(now) < due) return absl::OkStatus();
  const int64_t next = absl::ToUnixNanos(now + options_.reload_interval);
  // One call reads the folder; those that come meanwhile go on.
  if (!next_reload_nanos_.compare_exchange_strong(due, next)) return absl::OkStatus();
  std::optional<absl::StatusOr<Keys>> keys;
  const absl::Status ran =
      weft::Blocking([&] { keys = internal::JwtKeys::Load(options_.key_folder); });
  if (keys.has_value()) {
    Use(*std::move(keys));
    return absl::OkStatus();
  }
  // It never ran: the call was cancelled, or the pool is full. The next call tries again.
  next_reload_nanos_.store(due, std::memory_order_relaxed);
  return absl::IsResourceExhausted(ran) ? absl::OkStatus() : ran;
}

void JwtAuthenticator::Use(absl::StatusOr<Keys> keys) {
  if (!keys.ok()) {
    reloads_failed_total_.fetch_add(1, std::memory_order_relaxed);
    if (options_.on_reload_error) options_.on_reload_error(keys.status());
    return;
  }
  const std::lock_guard<Mutex> hold(mutex_);
  if ((*keys)->fingerprint() == keys_->fingerprint()) return;
  keys_ = *std::move(keys);
  generation_.fetch_add(1, std::memory_order_release);
}

JwtAuthenticator::Shard& JwtAuthenticator::CurrentShard() {
  const auto index = static_cast<size_t>(Runtime::CurrentShard());
  Check(index < shards_.size(),
        "a JwtAuthenticator is used by a runtime with more shards than it has");
  Shard& shard = *shards_[index];
  if (shard.generation != generation_.load(std::memory_order_acquire)) {
    const std::lock_guard<Mutex> hold(mutex_);
    shard.generation = generation_.load(std::memory_order_relaxed);
    shard.keys = keys_;
    shard.tokens.Clear();
  }
  return shard;
}

absl::StatusOr<std::shared_ptr<const Claims>> JwtAuthenticator::Authenticate(
    const CallContext& call) {
  const std::vector<absl::string_view> values = call.metadata().FindAll("authorization");
  if (values.empty()) return absl::UnauthenticatedError(kNoToken);
  constexpr absl::string_view kScheme = "Bearer ";
  if (values.size() > 1 || !absl::StartsWithIgnoreCase(values[0], kScheme)) {
    return absl::UnauthenticatedError(kNoToken);
  }
  absl::StatusOr<std::shared_ptr<const Claims>> claims = Verify(values[0].substr(kScheme.size()));
  if (!claims.ok()) return WithPublicMessage(claims.status(), kBadToken);
  return claims;
}

absl::StatusOr<std::shared_ptr<const Claims>> JwtAuthenticator::Verify(absl::string_view token) {
  if (token.size() > options_.max_token_bytes) {
    return absl::UnauthenticatedError(absl::StrCat("the token was refused: it has ", token.size(),
                                                   " bytes, more than max_token_bytes"));
  }
  Shard& shard = CurrentShard();  // From here on nothing parks.
  const std::string digest = Digest(token);
  if (std::shared_ptr<const Claims> known = shard.tokens.Find(digest)) {
    cached_total_.fetch_add(1, std::memory_order_relaxed);
    if (absl::Status s = internal::CheckTimes(*known, rules_.leeway, weft::Now()); !s.ok()) {
      return s;
    }
    return known;
  }
  verified_total_.fetch_add(1, std::memory_order_relaxed);
  absl::StatusOr<Claims> claims = internal::VerifyJwt(token, *shard.keys, rules_, weft::Now());
  if (!claims.ok()) return claims.status();
  auto shared = std::make_shared<const Claims>(*std::move(claims));
  shard.tokens.Add(digest, shared);
  return shared;
}

JwtStats JwtAuthenticator::Stats() const {
  const auto read = [](const std::atomic<uint64_t>& total) {
    return total.load(std::memory_order_relaxed);
  };
  return {.verified_total = read(verified_total_),
          .cached_total = read(cached_total_),
          .refused_total = read(refused_total_),
          .denied_total = read(denied_total_),
          .reloads_failed_total = read(reloads_failed_total_)};
}

}  // namespace weft::rpc
