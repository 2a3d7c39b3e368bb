// Checks of PEM files before gRPC gets them: gRPC itself only logs what is wrong with them.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CERTIFICATE_FILES_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CERTIFICATE_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace weft::rpc::internal {

// `certificate_option` and `key_option` name the files in errors.
absl::Status CheckIdentity(const std::string& certificate_file, const std::string& private_key_file,
                           const char* certificate_option, const char* key_option);

// At least one certificate.
absl::Status CheckAuthorities(const std::string& ca_file, const char* option);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CERTIFICATE_FILES_H_
