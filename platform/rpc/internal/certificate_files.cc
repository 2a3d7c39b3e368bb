#include "platform/rpc/internal/certificate_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace weft::rpc::internal {
namespace {

struct Free {
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

absl::StatusOr<std::string> ReadFile(const std::string& path, const char* option) {
  const std::unique_ptr<std::FILE, Free> file(std::fopen(path.c_str(), "re"));
  std::string text;
  char chunk[4096];
  while (file != nullptr) {
    const size_t bytes = std::fread(chunk, 1, sizeof(chunk), file.get());
    if (bytes == 0 && std::ferror(file.get()) == 0) return text;
    if (bytes == 0) break;
    text.append(chunk, bytes);
  }
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", option, " '", path, "'"));
}

absl::Status Bad(const char* option, const std::string& path, const char* what) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(option, " '", path, "' ", what));
}

// The first certificate of the file.
absl::StatusOr<Certificate> ReadCertificate(const std::string& path, const char* option) {
  absl::StatusOr<std::string> text = ReadFile(path, option);
  if (!text.ok()) return text.status();
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return Bad(option, path, "has no certificate: it must be PEM (-----BEGIN CERTIFICATE-----)");
  }
  return certificate;
}

// No passphrase is asked for: a key that has one does not parse.
int NoPassphrase(char*, int, int, void*) { return 0; }

absl::StatusOr<Key> ReadKey(const std::string& path, const char* option) {
  absl::StatusOr<std::string> text = ReadFile(path, option);
  if (!text.ok()) return text.status();
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  OPENSSL_cleanse(text->data(), text->size());
  if (key == nullptr) {
    return Bad(option, path, "has no private key: it must be PEM, without a passphrase");
  }
  return key;
}

}  // namespace

absl::Status CheckIdentity(const std::string& certificate_file, const std::string& private_key_file,
                           const char* certificate_option, const char* key_option) {
  const absl::StatusOr<Certificate> certificate =
      ReadCertificate(certificate_file, certificate_option);
  if (!certificate.ok()) return certificate.status();
  const absl::StatusOr<Key> key = ReadKey(private_key_file, key_option);
  if (!key.ok()) return key.status();
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    return Bad(key_option, private_key_file,
               absl::StrCat("is not the key of the certificate in ", certificate_option, " '",
                            certificate_file, "'")
                   .c_str());
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate->get())) < 0) {
    return Bad(certificate_option, certificate_file, "has expired: renew it");
  }
  return absl::OkStatus();
}

absl::Status CheckAuthorities(const std::string& ca_file, const char* option) {
  return ReadCertificate(ca_file, option).status();
}

}  // namespace weft::rpc::internal
