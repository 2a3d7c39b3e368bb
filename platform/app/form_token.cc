#include "platform/app/form_token.h"

#include <sys/random.h>

#include "absl/strings/escaping.h"
#include "platform/app/admin_token.h"
#include "platform/base/check.h"

namespace weft::app {
namespace {

std::string RandomText() {
  char bytes[16];
  Check(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes), "the system has no random numbers");
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace

FormToken::FormToken() : text_(RandomText()) {}

bool FormToken::Matches(absl::string_view sent) const { return SameSecret(sent, text_); }

}  // namespace weft::app
