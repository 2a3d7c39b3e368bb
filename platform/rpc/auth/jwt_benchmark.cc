// What a token costs a call: by algorithm, and when it is remembered.
#include <benchmark/benchmark.h>
#include <openssl/sha.h>

#include <memory>
#include <string>

#include "platform/base/check.h"
#include "platform/rpc/auth/jwt.h"
#include "platform/rpc/auth/token_cache.h"
#include "platform/rpc/auth/token_issuer.h"

namespace weft::rpc::internal {
namespace {

constexpr char kClaims[] =
    R"({"iss":"https://login.shop.test","aud":"orders","sub":"customer-2041","exp":2000000000,)"
    R"("nbf":1000000000,"iat":1000000000,"jti":"9a51c5d2-8f3a-4a7a-9a5e-0a8a7c1d2f11",)"
    R"("scope":"orders.read orders.write profile"})";

void Verify(benchmark::State& state, const SigningKey& key) {
  const std::string folder = MakeTestFolder("jwt_benchmark");
  key.Publish(folder, "key");
  const auto keys = JwtKeys::Load(folder);
  Check(keys.ok(), "the benchmark's key is none");
  const std::string token = IssueToken(key, "key", kClaims, key.algorithm());
  const JwtRules rules = {.issuer = "https://login.shop.test", .audience = "orders", .leeway = {}};
  for (auto _ : state) {
    const auto claims = VerifyJwt(token, **keys, rules, absl::FromUnixSeconds(1'500'000'000));
    Check(claims.ok(), "the benchmark's token is none");
  }
}
void Rs256(benchmark::State& state) { Verify(state, SigningKey::Rsa(2048)); }
void Es256(benchmark::State& state) { Verify(state, SigningKey::P256()); }
void Hs256(benchmark::State& state) {
  Verify(state, SigningKey::Secret("a secret of thirty-two characters"));
}

// The whole of a token that is known: hash and look-up.
void Remembered(benchmark::State& state) {
  const std::string token = IssueToken(SigningKey::Rsa(2048), "key", kClaims, "RS256");
  TokenCache cache(1000);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  const auto hash = [&] {
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
  };
  hash();
  cache.Add(digest, std::make_shared<Claims>());
  for (auto _ : state) {
    hash();
    benchmark::DoNotOptimize(cache.Find(digest));
  }
}

BENCHMARK(Rs256);
BENCHMARK(Es256);
BENCHMARK(Hs256);
BENCHMARK(Remembered);

}  // namespace
}  // namespace weft::rpc::internal
