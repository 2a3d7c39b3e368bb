#include "platform/rpc/auth/token_issuer.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace weft::rpc {
namespace {

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// OpenSSL's signature by ECDSA is ASN.1; JWS wants the two numbers, 32 bytes each.
std::string PlainEcdsa(const std::string& asn1) {
  const unsigned char* begin = Bytes(asn1);
  ECDSA_SIG* const numbers = d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(asn1.size()));
  std::string plain(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(plain.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(numbers), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(numbers), out + 32, 32);
  ECDSA_SIG_free(numbers);
  return plain;
}

}  // namespace

SigningKey SigningKey::Rsa(int bits) {
  return {"RS256", EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits)), ""};
}

SigningKey SigningKey::P256() {
  return {"ES256", EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), ""};
}

SigningKey SigningKey::Secret(std::string secret) { return {"HS256", nullptr, std::move(secret)}; }

std::string SigningKey::Published() const {
  if (key_ == nullptr) return secret_;
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key_.get());
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(bytes));
  BIO_free(bio);
  return pem;
}

void SigningKey::Publish(const std::string& folder, const std::string& id) const {
  WriteTestFile(absl::StrCat(folder, "/", id, ".", absl::AsciiStrToLower(algorithm_),
                             key_ == nullptr ? ".secret" : ".pem"),
                Published());
}

std::string SigningKey::Sign(const std::string& text) const {
  std::string signature(1024, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  if (key_ == nullptr) {
    unsigned int bytes = 0;
    HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), Bytes(text), text.size(),
         out, &bytes);
    return signature.substr(0, bytes);
  }
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  size_t bytes = signature.size();
  Check(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
            EVP_DigestSign(context, out, &bytes, Bytes(text), text.size()) == 1,
        "a test's key could not sign");
  EVP_MD_CTX_free(context);
  signature.resize(bytes);
  return algorithm_ == "ES256" ? PlainEcdsa(signature) : signature;
}

std::string Base64Url(const std::string& bytes) {
  std::string text;
  absl::WebSafeBase64Escape(bytes, &text);
  return text;
}

std::string IssueToken(const SigningKey& key, const std::string& header,
                       const std::string& claims) {
  const std::string text = absl::StrCat(Base64Url(header), ".", Base64Url(claims));
  return absl::StrCat(text, ".", Base64Url(key.Sign(text)));
}

std::string IssueToken(const SigningKey& key, const std::string& key_id, const std::string& claims,
                       const std::string& algorithm) {
  return IssueToken(
      key, absl::StrCat(R"({"typ":"JWT","alg":")", algorithm, R"(","kid":")", key_id, R"("})"),
      claims);
}

void WriteTestFile(const std::string& path, const std::string& text) {
  const std::filesystem::path target(path);
  const std::filesystem::path draft = target.parent_path() / ".draft";
  std::ofstream(draft) << text;
  std::filesystem::rename(draft, target);
}

std::string MakeTestFolder(const std::string& name) {
  // Bazel's, which is this test's alone; GoogleTest's would bring its main() into benchmarks.
  const char* const own = std::getenv("TEST_TMPDIR");
  const std::filesystem::path parent =
      own == nullptr ? std::filesystem::temp_directory_path() : std::filesystem::path(own);
  const std::string path = parent / name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace weft::rpc
