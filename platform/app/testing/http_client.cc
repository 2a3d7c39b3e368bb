#include "platform/app/testing/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace weft::app {

LoopbackConnection::LoopbackConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

LoopbackConnection::~LoopbackConnection() { close(fd_); }

bool LoopbackConnection::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

std::string LoopbackConnection::ReadAll() {
  std::string bytes;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = read(fd_, buffer, sizeof(buffer))) > 0) {
    bytes.append(buffer, static_cast<size_t>(count));
  }
  return bytes;
}

absl::StatusOr<HttpReply> HttpRequest(int port, const std::string& method,
                                      const std::string& path) {
  LoopbackConnection connection(port);
  if (!connection.connected()) return absl::UnavailableError(absl::StrCat("nobody on ", port));
  connection.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const std::string bytes = connection.ReadAll();
  const std::vector<absl::string_view> halves =
      absl::StrSplit(bytes, absl::MaxSplits("\r\n\r\n", 1));
  const std::vector<absl::string_view> lines = absl::StrSplit(halves[0], "\r\n");
  const std::vector<absl::string_view> status = absl::StrSplit(lines[0], absl::MaxSplits(' ', 2));
  HttpReply reply;
  if (halves.size() != 2 || status.size() != 3 || status[0] != "HTTP/1.1" ||
      !absl::SimpleAtoi(status[1], &reply.status)) {
    return absl::InternalError(absl::StrCat("no HTTP reply: ", bytes));
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    reply.headers[absl::AsciiStrToLower(header.first)] = std::string(header.second);
  }
  reply.body = std::string(halves[1]);
  return reply;
}

}  // namespace weft::app
