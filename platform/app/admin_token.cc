#include "platform/app/admin_token.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  std::string text(kAdminTokenMaxBytes + 1, '\0');
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " cannot be read: ", std::strerror(errno)));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kAdminTokenMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(file, " holds more than ", kAdminTokenMaxBytes,
                                                   " bytes; a token is a short text"));
  }
  std::string token(absl::StripAsciiWhitespace(text));
  if (token.size() < kAdminTokenMinBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " holds a token of ", token.size(), " bytes, which could be guessed; use at least ",
        kAdminTokenMinBytes, ", such as the output of: openssl rand -hex 16"));
  }
  return token;
}

// What the header shows; empty where it is of another kind.
std::string ShownBy(absl::string_view authorization) {
  constexpr absl::string_view kBearer = "Bearer ";
  constexpr absl::string_view kBasic = "Basic ";
  if (absl::StartsWithIgnoreCase(authorization, kBearer)) {
    return std::string(absl::StripAsciiWhitespace(authorization.substr(kBearer.size())));
  }
  std::string decoded;
  if (!absl::StartsWithIgnoreCase(authorization, kBasic) ||
      !absl::Base64Unescape(authorization.substr(kBasic.size()), &decoded)) {
    return "";
  }
  const size_t colon = decoded.find(':');
  return colon == std::string::npos ? "" : decoded.substr(colon + 1);
}

}  // namespace

bool SameSecret(absl::string_view a, absl::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

absl::StatusOr<std::unique_ptr<AdminToken>> AdminToken::FromFile(std::string file) {
  absl::StatusOr<std::string> token = ReadToken(file);
  if (!token.ok()) return token.status();
  return std::unique_ptr<AdminToken>(new AdminToken(std::move(file), *std::move(token)));
}

bool AdminToken::Admits(absl::string_view authorization) {
  absl::StatusOr<std::string> token = ReadToken(file_);
  absl::MutexLock hold(&mutex_);
  if (token.ok()) token_ = *std::move(token);
  return SameSecret(ShownBy(authorization), token_);
}

}  // namespace weft::app
