#include "platform/app/admin_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weft::app {
namespace {

struct Address {
  std::string host;  // IPv4, in dots
  uint16_t port = 0;
};

sockaddr_in ToSocketAddress(const std::string& host, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

absl::StatusOr<Address> ParseAddress(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  Address address;
  int port = -1;
  in_addr binary;
  if (colon != std::string::npos) {
    address.host = listen.substr(0, colon);
    if (address.host == "localhost") address.host = "127.0.0.1";
    if (!absl::SimpleAtoi(listen.substr(colon + 1), &port)) port = -1;
  }
  if (port < 0 || port > 65535 || inet_pton(AF_INET, address.host.c_str(), &binary) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", listen,
                     "\" is no address to listen on; write an IPv4 address and a port, such as "
                     "127.0.0.1:8080 or 0.0.0.0:8080"));
  }
  address.port = static_cast<uint16_t>(port);
  return address;
}

// Why the address cannot be listened on. CivetWeb tells it in words only, so it is asked again.
absl::Status ExplainFailure(const Address& address, const std::string& words) {
  const std::string name = absl::StrCat(address.host, ":", address.port);
  const sockaddr_in socket_address = ToSocketAddress(address.host, address.port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  const bool failed =
      bind(fd, reinterpret_cast<const sockaddr*>(&socket_address), sizeof(socket_address)) != 0 ||
      listen(fd, 1) != 0;
  const int error = failed ? errno : 0;
  close(fd);
  switch (error) {
    case 0:
      return absl::UnavailableError(absl::StrCat("cannot listen on ", name, ": ", words));
    case EADDRINUSE:
      return absl::FailedPreconditionError(absl::StrCat(
          name, " is already in use; stop what listens there, or choose another port (0: any)"));
    case EADDRNOTAVAIL:
      return absl::FailedPreconditionError(absl::StrCat(
          "cannot listen on ", name, ": ", address.host,
          " is no address of this machine; use one that is, or 0.0.0.0 for all of them"));
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat("may not listen on ", name, ": choose a port of 1024 or more"));
    default:
      return absl::ErrnoToStatus(error, absl::StrCat("cannot listen on ", name));
  }
}

// Connects until nobody listens any more or `stopped`. CivetWeb's accepting thread looks whether it
// should stop when something connects, and else only every two seconds.
void PokeUntilStopped(const std::string& host, uint16_t port, const std::atomic<bool>& stopped) {
  const sockaddr_in address = ToSocketAddress(host, port);
  bool listening = true;
  while (listening && !stopped.load()) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval timeout = {.tv_sec = 0, .tv_usec = 100'000};  // also bounds connect: socket(7)
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    listening = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
                errno == EINPROGRESS;
    close(fd);
  }
}

// Without the body.
AdminRequest ReadRequest(mg_connection* connection) {
  const mg_request_info* const info = mg_get_request_info(connection);
  AdminRequest request = {.method = info->request_method,
                          .path = info->local_uri == nullptr ? "" : info->local_uri};
  if (info->query_string != nullptr) request.query = ParseQuery(info->query_string);
  if (const char* const accept = mg_get_header(connection, "Accept")) request.accept = accept;
  if (const char* const shown = mg_get_header(connection, "Authorization")) {
    request.authorization = shown;
  }
  return request;
}

std::string ReadBody(mg_connection* connection, int max_bytes) {
  std::string body;
  char part[kAdminMaxBodyBytes];
  int n = 1;
  while (n > 0 && body.size() < static_cast<size_t>(max_bytes)) {
    n = mg_read(connection, part, std::min(sizeof(part), max_bytes - body.size()));
    if (n > 0) body.append(part, static_cast<size_t>(n));
  }
  return body;
}

void Send(mg_connection* connection, const AdminReply& reply, bool with_body) {
  std::string text = absl::StrCat("HTTP/1.1 ", reply.status, " ",
                                  mg_get_response_code_text(connection, reply.status), "\r\n",
                                  "Content-Type: ", reply.content_type, "\r\n");
  if (!reply.allow.empty()) absl::StrAppend(&text, "Allow: ", reply.allow, "\r\n");
  if (!reply.www_authenticate.empty()) {
    absl::StrAppend(&text, "WWW-Authenticate: ", reply.www_authenticate, "\r\n");
  }
  if (!reply.file_name.empty()) {
    absl::StrAppend(&text, "Content-Disposition: attachment; filename=\"", reply.file_name,
                    "\"\r\n");
  }
  absl::StrAppend(&text, "Content-Length: ", reply.body.size(), "\r\n",
                  "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                  "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                  "script-src 'self'; connect-src 'self'; form-action 'self'; "
                  "frame-ancestors 'none'\r\nReferrer-Policy: same-origin\r\n"
                  "Connection: close\r\n\r\n");
  if (with_body) text += reply.body;
  // A client that hung up meanwhile is its own affair.
  mg_write(connection, text.data(), text.size());
}

}  // namespace

AdminReply ErrorReply(int status, absl::string_view message) {
  return {.status = status, .body = absl::StrCat(message, "\n")};
}

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(AdminServerOptions options,
                                                                std::vector<AdminPage> pages) {
  const absl::StatusOr<Address> address = ParseAddress(options.listen);
  if (!address.ok()) return address.status();
  std::unique_ptr<AdminServer> server(new AdminServer(std::move(options), std::move(pages)));

  const std::string listening_ports = absl::StrCat(address->host, ":", address->port);
  const std::string threads = absl::StrCat(kAdminThreads);
  const std::string queue = absl::StrCat(kAdminQueuedConnections);
  const std::string request_bytes = absl::StrCat(kAdminMaxRequestBytes);
  const std::string timeout_ms = absl::StrCat(absl::ToInt64Milliseconds(kAdminClientTimeout));
  const char* settings[] = {"listening_ports",
                            listening_ports.c_str(),
                            "num_threads",
                            threads.c_str(),
                            "connection_queue",
                            queue.c_str(),
                            "listen_backlog",
                            queue.c_str(),
                            "max_request_size",
                            request_bytes.c_str(),
                            "request_timeout_ms",
                            timeout_ms.c_str(),
                            "enable_keep_alive",
                            "no",
                            nullptr};
  mg_callbacks callbacks = {};
  callbacks.begin_request = OnRequest;
  // CivetWeb would write to files of its own or to stderr, where only JSON lines belong.
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
  mg_init_data init = {
      .callbacks = &callbacks, .user_data = server.get(), .configuration_options = settings};
  unsigned code = 0;
  char words[256] = "";
  mg_error_data error = {.code = &code, .text = words, .text_buffer_size = sizeof(words)};
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) return ExplainFailure(*address, words);

  mg_server_port port = {};
  if (mg_get_server_ports(server->context_, 1, &port) != 1) {
    return absl::InternalError(
        absl::StrCat("CivetWeb does not tell the port of ", listening_ports));
  }
  server->host_ = address->host;
  server->port_ = port.port;
  return server;
}

AdminServer::AdminServer(AdminServerOptions options, std::vector<AdminPage> pages)
    : options_(std::move(options)), pages_(std::move(pages)) {
  mg_init_library(MG_FEATURES_DEFAULT);
}

AdminServer::~AdminServer() {
  if (context_ != nullptr) {
    std::atomic<bool> stopped = false;
    std::thread poker([&] { PokeUntilStopped(host_, static_cast<uint16_t>(port_), stopped); });
    mg_stop(context_);
    stopped.store(true);
    poker.join();
  }
  mg_exit_library();
}

// Takes every request, so that nothing of CivetWeb's own (files, folders, scripts) can be reached.
int AdminServer::OnRequest(mg_connection* connection) {
  const auto* server =
      static_cast<const AdminServer*>(mg_get_user_data(mg_get_context(connection)));
  AdminRequest request = ReadRequest(connection);
  if (request.method == "POST") {
    const AdminPage* const page = server->Find(request.path);
    request.body =
        ReadBody(connection, page == nullptr ? kAdminMaxBodyBytes : page->max_body_bytes);
  }
  const AdminReply reply = server->Answer(request);
  Send(connection, reply, request.method != "HEAD");
  return reply.status;
}

bool AdminServer::on_loopback() const { return absl::StartsWith(host_, "127."); }

bool AdminServer::Admits(const AdminRequest& request, const AdminPage* page) const {
  if (options_.token == nullptr || (page != nullptr && page->open)) return true;
  return options_.token->Admits(request.authorization);
}

const AdminPage* AdminServer::Find(const std::string& path) const {
  const auto found = std::find_if(pages_.begin(), pages_.end(),
                                  [&path](const AdminPage& page) { return page.path == path; });
  return found == pages_.end() ? nullptr : &*found;
}

AdminReply AdminServer::Answer(const AdminRequest& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool wants_html = absl::StrContains(request.accept, "text/html");
  const AdminPage* const page = Find(request.path);
  // Before anything is told, the names of the pages included.
  if (!Admits(request, page)) {
    return {.status = 401,
            .body =
                "show the token of admin.token_file: as \"Authorization: Bearer …\", or as the "
                "password of any user\n",
            .www_authenticate = "Basic realm=\"admin\", charset=\"UTF-8\""};
  }
  if (request.path == "/" && reads && (page == nullptr || !wants_html)) {
    return {.body = absl::StrCat(options_.title, "\n", List())};
  }
  if (page == nullptr) {
    return {.status = 404, .body = absl::StrCat("no such page; there are:\n", List())};
  }
  if (page->changes_something && request.method != "POST") {
    return {.status = 405, .body = "only POST\n", .allow = "POST"};
  }
  if (!page->changes_something && !reads && !(page->asked_by_post && request.method == "POST")) {
    return {.status = 405, .body = "only GET and HEAD\n", .allow = "GET, HEAD"};
  }
  return page->handler(request);
}

std::string AdminServer::List() const {
  std::string list;
  for (const AdminPage& page : pages_) {
    if (page.help.empty() || page.changes_something) continue;
    absl::StrAppend(&list, page.path, "  ", page.help, "\n");
  }
  return list;
}

}  // namespace weft::app
