// For tests: issues tokens and writes the keys to check them with, by OpenSSL alone.
#ifndef WEFT_PLATFORM_RPC_AUTH_TOKEN_ISSUER_H_
#define WEFT_PLATFORM_RPC_AUTH_TOKEN_ISSUER_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

namespace weft::rpc {

// A private key or a secret of one algorithm.
class SigningKey {
 public:
  static SigningKey Rsa(int bits = 2048);
  static SigningKey P256();
  static SigningKey Secret(std::string secret);

  // What an issuer publishes: PEM; of a secret, the secret.
  std::string Published() const;
  // Into `folder`, under the name that jwt_keys.h wants, and by rename.
  void Publish(const std::string& folder, const std::string& id) const;
  // "RS256", as this key signs.
  const std::string& algorithm() const { return algorithm_; }
  // Over any bytes, as JWS has it: raw, not base64.
  std::string Sign(const std::string& text) const;

 private:
  SigningKey(std::string algorithm, EVP_PKEY* key, std::string secret)
      : algorithm_(std::move(algorithm)), key_(key, EVP_PKEY_free), secret_(std::move(secret)) {}
  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
  std::string secret_;
};

// "header.claims.signature" of two JSON texts, which may be anything.
std::string IssueToken(const SigningKey& key, const std::string& header, const std::string& claims);
// With the header that belongs to the key.
std::string IssueToken(const SigningKey& key, const std::string& key_id, const std::string& claims,
                       const std::string& algorithm);

std::string Base64Url(const std::string& bytes);

// A file of the test, written by rename.
void WriteTestFile(const std::string& path, const std::string& text);
// An empty folder of this test.
std::string MakeTestFolder(const std::string& name);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_AUTH_TOKEN_ISSUER_H_
