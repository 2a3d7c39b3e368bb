// A few lines of HTTP/1.1 for tests: one request, one reply, one connection. Blocks the thread.
#ifndef WEFT_PLATFORM_APP_TESTING_HTTP_CLIENT_H_
#define WEFT_PLATFORM_APP_TESTING_HTTP_CLIENT_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace weft::app {

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// A connection to 127.0.0.1:`port`, closed with the object.
class LoopbackConnection {
 public:
  explicit LoopbackConnection(int port);
  ~LoopbackConnection();
  LoopbackConnection(const LoopbackConnection&) = delete;
  LoopbackConnection& operator=(const LoopbackConnection&) = delete;

  bool connected() const { return connected_; }
  // False when the other side has closed.
  bool Send(const std::string& bytes);
  // What comes until the other side closes.
  std::string ReadAll();

 private:
  int fd_ = -1;
  bool connected_ = false;
};

// Errors: UNAVAILABLE when nobody listens, INTERNAL for a reply that is no HTTP.
absl::StatusOr<HttpReply> HttpRequest(int port, const std::string& method, const std::string& path);
inline absl::StatusOr<HttpReply> HttpGet(int port, const std::string& path) {
  return HttpRequest(port, "GET", path);
}

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_TESTING_HTTP_CLIENT_H_
