// AdminServer: a small HTTP/1.1 server beside the gRPC one, for probes, scrapes and people.
//
//   auto admin = weft::app::AdminServer::Start(
//       {.listen = "127.0.0.1:0", .title = "pricing"},
//       {{.path = "/livez",
//         .help = "is the process alive",
//         .handler = [](const AdminRequest&) { return AdminReply{}; }}});
//   …(*admin)->port()…
//
// It answers GET and HEAD of the pages it was given, and POST of those that change something or are
// asked long questions; exact paths only. "/" lists them as text; a browser, which accepts HTML,
// gets the page "/" where there is one. Anything else is 404, with the list, or 405. One reply a
// connection: a kept-alive idle connection would hold one of the few threads.
//
// A page that changes something must make sure that a person meant it: any web page which that
// person looks at may send a POST here, but cannot read what this server answers.
//
// Threads: kAdminThreads of its own and one that accepts; pages are made on those, at the same
// time, never on a shard, so that the process can be asked what it does while its shards are busy.
// A page may block its thread, boundedly.
//
// Everybody who reaches the port sees everything (method names, peers, counts) unless there is a
// token (admin_token.h): then only pages that say so are open to all. It listens on loopback unless
// told otherwise; in a cluster keep it off the Service and the ingress. There is no TLS here: a
// token protects what a trusted network carries, not against those who listen on it. CivetWeb's own
// TLS cannot be had: Debian's 1.15 asks OpenSSL for SSL_get_peer_certificate, which OpenSSL 3 calls
// otherwise, starts all the same, and ends the process with SIGSEGV at the first connection.
//
// IPv4 only: Debian's CivetWeb is built without IPv6.
#ifndef WEFT_PLATFORM_APP_ADMIN_SERVER_H_
#define WEFT_PLATFORM_APP_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/app/admin_request.h"
#include "platform/app/admin_token.h"

struct mg_connection;
struct mg_context;

namespace weft::app {

// A probe, a scrape and a CPU profile, which takes minutes, at the same time; the rest queues.
inline constexpr int kAdminThreads = 3;
// Connections accepted beyond those being answered; more wait in the kernel, up to as many again,
// and are then refused.
inline constexpr int kAdminQueuedConnections = 16;
// Request line and headers; more is answered with an error.
inline constexpr int kAdminMaxRequestBytes = 8 * 1024;
// The body of a POST, unless a page says otherwise; what is beyond is cut off.
inline constexpr int kAdminMaxBodyBytes = 8 * 1024;
// For a client to send its request, and to take the reply; a slower one is cut off. Bounds how long
// a stuck client holds a thread.
inline constexpr absl::Duration kAdminClientTimeout = absl::Seconds(5);

struct AdminReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = "";
  std::string allow = "";             // the header of that name, of a 405
  std::string www_authenticate = "";  // likewise, of a 401
  std::string file_name = "";         // under which a browser saves the body
};

// A line of text that says what is wrong.
AdminReply ErrorReply(int status, absl::string_view message);

struct AdminPage {
  std::string path;  // "/metrics"
  std::string help;  // a phrase for the index; empty: not listed
  std::function<AdminReply(const AdminRequest& request)> handler;  // any thread; must not throw
  bool changes_something = false;  // it is asked by POST, and by nothing else
  bool open = false;               // also to those who show no token
  bool asked_by_post = false;      // also by POST, though it changes nothing
  int max_body_bytes = kAdminMaxBodyBytes;
};

struct AdminServerOptions {
  std::string listen =
      "127.0.0.1:8080";        // IPv4 address (or "localhost") and port; port 0: a free one
  std::string title = "weft";  // heading of the list
  // What must be shown to see pages that are not open; null: nothing.
  std::unique_ptr<AdminToken> token = {};
};

class AdminServer {
 public:
  // Listens and answers. Blocks the thread briefly. Errors, naming the address and what to do:
  // INVALID_ARGUMENT for one that does not parse; FAILED_PRECONDITION when the port is taken or the
  // address is not this machine's; PERMISSION_DENIED for a reserved port.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(AdminServerOptions options,
                                                            std::vector<AdminPage> pages);
  // Stops accepting and waits for the pages being made, so that what they use may go; their replies
  // may be cut off. Blocks the thread, bounded by the pages' own bounds.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  int port() const { return port_; }
  // Whether only this machine reaches it.
  bool on_loopback() const;

 private:
  AdminServer(AdminServerOptions options, std::vector<AdminPage> pages);
  static int OnRequest(mg_connection* connection);
  const AdminPage* Find(const std::string& path) const;
  AdminReply Answer(const AdminRequest& request) const;
  bool Admits(const AdminRequest& request, const AdminPage* page) const;
  std::string List() const;

  const AdminServerOptions options_;
  const std::vector<AdminPage> pages_;
  mg_context* context_ = nullptr;
  std::string host_;
  int port_ = 0;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_ADMIN_SERVER_H_
