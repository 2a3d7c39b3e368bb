#include "platform/rpc/auth/jwt_keys.h"

#include <cjose/jwk.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weft::rpc::internal {
namespace {

constexpr int kMinRsaBits = 2048;       // RFC 7518, section 3.3
constexpr size_t kMinSecretBytes = 32;  // RFC 7518, section 3.2
constexpr size_t kP256Bytes = 32;

struct Free {
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using PublicKey = std::unique_ptr<EVP_PKEY, Free>;
using Bytes = std::vector<uint8_t>;

absl::Status Bad(const std::string& path, absl::string_view what) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat("the key file '", path, "' ", what));
}

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  const std::unique_ptr<std::FILE, Free> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read the key file '", path, "'"));
  }
  std::string text(kMaxJwtKeyBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read the key file '", path, "'"));
  }
  if (text.size() > kMaxJwtKeyBytes) return Bad(path, "is longer than 64 KiB: it can be no key");
  return text;
}

PublicKey ParsePublicKey(const std::string& pem) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return PublicKey(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
}

// A number of the key, in at least `width` bytes, the most significant one first.
Bytes Number(const EVP_PKEY& key, const char* name, size_t width = 0) {
  BIGNUM* found = nullptr;
  if (EVP_PKEY_get_bn_param(&key, name, &found) != 1) return {};
  const std::unique_ptr<BIGNUM, Free> number(found);
  Bytes bytes(std::max(width, static_cast<size_t>(BN_num_bytes(number.get()))));
  BN_bn2binpad(number.get(), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

absl::StatusOr<JwtKey> ParseRsa(const std::string& text, const std::string& path) {
  const PublicKey key = ParsePublicKey(text);
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return Bad(path, "has no RSA public key: it must be PEM (-----BEGIN PUBLIC KEY-----)");
  }
  if (EVP_PKEY_get_bits(key.get()) < kMinRsaBits) {
    return Bad(path, "has an RSA key of less than 2048 bits: use a longer one");
  }
  Bytes n = Number(*key, OSSL_PKEY_PARAM_RSA_N);
  Bytes e = Number(*key, OSSL_PKEY_PARAM_RSA_E);
  cjose_jwk_rsa_keyspec spec = {};
  spec.n = n.data();
  spec.nlen = n.size();
  spec.e = e.data();
  spec.elen = e.size();
  JwtKey made = {.algorithm = "RS256", .signature_bytes = n.size(), .key = nullptr};
  made.key.reset(cjose_jwk_create_RSA_spec(&spec, nullptr));
  return made;
}

absl::StatusOr<JwtKey> ParseP256(const std::string& text, const std::string& path) {
  const PublicKey key = ParsePublicKey(text);
  char curve[32] = "";
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "EC") != 1 ||
      EVP_PKEY_get_group_name(key.get(), curve, sizeof(curve), nullptr) != 1 ||
      absl::string_view(curve) != "prime256v1") {
    return Bad(path,
               "has no public key on the curve P-256: it must be PEM "
               "(-----BEGIN PUBLIC KEY-----)");
  }
  Bytes x = Number(*key, OSSL_PKEY_PARAM_EC_PUB_X, kP256Bytes);
  Bytes y = Number(*key, OSSL_PKEY_PARAM_EC_PUB_Y, kP256Bytes);
  cjose_jwk_ec_keyspec spec = {};
  spec.crv = CJOSE_JWK_EC_P_256;
  spec.x = x.data();
  spec.xlen = x.size();
  spec.y = y.data();
  spec.ylen = y.size();
  JwtKey made = {.algorithm = "ES256", .signature_bytes = 2 * kP256Bytes, .key = nullptr};
  made.key.reset(cjose_jwk_create_EC_spec(&spec, nullptr));
  return made;
}

absl::StatusOr<JwtKey> ParseSecret(absl::string_view text, const std::string& path) {
  absl::ConsumeSuffix(&text, "\n");
  if (absl::StartsWith(text, "-----BEGIN")) {
    return Bad(path, "is PEM: a key that others may know is no secret");
  }
  if (text.size() < kMinSecretBytes) {
    return Bad(path, "is shorter than 32 bytes: make one with openssl rand -base64 48");
  }
  JwtKey made = {.algorithm = "HS256", .signature_bytes = SHA256_DIGEST_LENGTH, .key = nullptr};
  made.key.reset(cjose_jwk_create_oct_spec(reinterpret_cast<const uint8_t*>(text.data()),
                                           text.size(), nullptr));
  return made;
}

struct Kind {
  const char* suffix;
  absl::StatusOr<JwtKey> (*parse)(const std::string& text, const std::string& path);
};
constexpr Kind kKinds[] = {
    {".rs256.pem", ParseRsa},
    {".es256.pem", ParseP256},
    {".hs256.secret",
     [](const std::string& text, const std::string& path) { return ParseSecret(text, path); }},
};

std::string Sha256(absl::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof(digest));
}

}  // namespace

void JwkRelease::operator()(_cjose_jwk_int* key) const { cjose_jwk_release(key); }

absl::StatusOr<std::shared_ptr<const JwtKeys>> JwtKeys::Load(const std::string& folder) {
  auto keys = std::make_shared<JwtKeys>();
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  std::set<std::string> names;  // In an order that does not change by itself.
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name[0] != '.') names.insert(name);
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               absl::StrCat("cannot read the key folder '", folder, "'"));
  }
  for (const std::string& name : names) {
    if (absl::Status s = keys->Add(name, absl::StrCat(folder, "/", name)); !s.ok()) return s;
  }
  if (keys->keys_.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the key folder '", folder, "' has no keys: give it files such as current.rs256.pem"));
  }
  return keys;
}

absl::Status JwtKeys::Add(absl::string_view name, const std::string& path) {
  if (keys_.size() == kMaxJwtKeys) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the key file '", path, "' is one too many: at most ", kMaxJwtKeys, " keys in a folder"));
  }
  for (const Kind& kind : kKinds) {
    absl::string_view id = name;
    if (!absl::ConsumeSuffix(&id, kind.suffix) || id.empty()) continue;
    absl::StatusOr<std::string> text = ReadKeyFile(path);
    if (!text.ok()) return text.status();
    const std::string mark = Sha256(absl::StrCat(fingerprint_, Sha256(name), Sha256(*text)));
    absl::StatusOr<JwtKey> key = kind.parse(*text, path);
    OPENSSL_cleanse(text->data(), text->size());
    if (!key.ok()) return key.status();
    if (key->key == nullptr) return Bad(path, "has a key that cannot be used");
    if (!keys_.emplace(std::string(id), *std::move(key)).second) {
      return Bad(path, "has the key id of another file");
    }
    fingerprint_ = mark;
    return absl::OkStatus();
  }
  return Bad(path,
             "is not called <key id>.rs256.pem, <key id>.es256.pem or "
             "<key id>.hs256.secret");
}

const JwtKey* JwtKeys::Find(absl::string_view id) const {
  if (id.empty()) return keys_.size() == 1 ? &keys_.begin()->second : nullptr;
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace weft::rpc::internal
