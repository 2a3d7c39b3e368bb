// AdminToken: the secret that people and programs show to the admin server where it can be reached
// from elsewhere.
//
//   curl -H "Authorization: Bearer $(cat token)" …/debug/calls      programs
//   curl -u "anybody:$(cat token)" …/debug/calls                    browsers ask for the same
#ifndef WEFT_PLATFORM_APP_ADMIN_TOKEN_H_
#define WEFT_PLATFORM_APP_ADMIN_TOKEN_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace weft::app {

// A shorter one could be guessed. 32 hexadecimal digits (`openssl rand -hex 16`) are plenty.
inline constexpr size_t kAdminTokenMinBytes = 16;
inline constexpr size_t kAdminTokenMaxBytes = 4096;

// Whether two secrets are the same, in a time that does not depend on where they differ.
bool SameSecret(absl::string_view a, absl::string_view b);

class AdminToken {
 public:
  // The token is the content of `file` without white space round it. Blocks the thread. Errors,
  // naming the file and what to do: INVALID_ARGUMENT for one that cannot be read, or a token that
  // is too short or too long.
  static absl::StatusOr<std::unique_ptr<AdminToken>> FromFile(std::string file);

  // Whether the header Authorization shows the token: as "Bearer <token>", or as the password of
  // "Basic …" with any user. The file is read again, so that a token can be changed without a
  // restart; while it cannot be read the one before counts. Any thread; blocks it for the file.
  bool Admits(absl::string_view authorization);

 private:
  AdminToken(std::string file, std::string token)
      : file_(std::move(file)), token_(std::move(token)) {}

  const std::string file_;
  absl::Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_ADMIN_TOKEN_H_
