#include "platform/app/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/app/html.h"
#include "platform/app/readiness.h"
#include "platform/app/testing/http_client.h"

namespace weft::app {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<AdminServer> StartServer(std::vector<AdminPage> pages) {
  absl::StatusOr<std::unique_ptr<AdminServer>> server =
      AdminServer::Start({.listen = "127.0.0.1:0", .title = "pricing <1>"}, std::move(pages));
  if (!server.ok()) ADD_FAILURE() << server.status();
  return *std::move(server);
}

AdminPage Page(const std::string& path, AdminReply reply) {
  return {.path = path, .help = "help of " + path, .handler = [reply](const AdminRequest&) {
            return reply;
          }};
}

HttpReply Get(const AdminServer& server, const std::string& path,
              const std::string& method = "GET") {
  absl::StatusOr<HttpReply> reply = HttpRequest(server.port(), method, path);
  EXPECT_TRUE(reply.ok()) << reply.status();
  return reply.ok() ? *std::move(reply) : HttpReply();
}

TEST(AdminServer, PageIsServedWithItsStatusTypeAndBody) {
  const auto server = StartServer(
      {Page("/livez", {.body = "ok\n"}),
       Page("/metrics", {.content_type = "text/plain; version=0.0.4", .body = "up 1\n"}),
       Page("/readyz", {.status = 503, .body = "not ready: draining\n"})});
  const HttpReply live = Get(*server, "/livez");
  EXPECT_EQ(live.status, 200);
  EXPECT_EQ(live.body, "ok\n");
  EXPECT_EQ(live.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(live.headers.at("content-length"), "3");
  EXPECT_EQ(live.headers.at("cache-control"), "no-store");
  const HttpReply metrics = Get(*server, "/metrics");
  EXPECT_EQ(metrics.headers.at("content-type"), "text/plain; version=0.0.4");
  EXPECT_EQ(metrics.body, "up 1\n");
  const HttpReply ready = Get(*server, "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body, "not ready: draining\n");
}

TEST(AdminServer, TheStartIsAListAsTextAndABrowserGetsThePageThatIsThere) {
  const auto server = StartServer({Page("/livez", {}),
                                   Page("/debug/fibers", {}),
                                   {.path = "/", .help = "", .handler = [](const AdminRequest&) {
                                      return AdminReply{.content_type = kHtmlContentType,
                                                        .body = "<h1>overview</h1>"};
                                    }}});
  const HttpReply list = Get(*server, "/");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(list.body,
            "pricing <1>\n/livez  help of /livez\n/debug/fibers  help of /debug/fibers\n");
  LoopbackConnection browser(server->port());
  browser.Send("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,*/*\r\n\r\n");
  EXPECT_THAT(browser.ReadAll(), testing::EndsWith("<h1>overview</h1>"));
}

TEST(AdminServer, WithoutAStartPageABrowserGetsTheList) {
  const auto server = StartServer({Page("/livez", {})});
  LoopbackConnection browser(server->port());
  browser.Send("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
  EXPECT_THAT(browser.ReadAll(), testing::EndsWith("pricing <1>\n/livez  help of /livez\n"));
}

TEST(AdminServer, UnknownPathIs404WithTheList) {
  const auto server = StartServer({Page("/livez", {}), Page("/debug/fibers", {})});
  for (const char* path : {"/nope", "/livez/", "/livez2", "/debug", "/etc/passwd"}) {
    const HttpReply reply = Get(*server, path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.body,
              "no such page; there are:\n/livez  help of /livez\n"
              "/debug/fibers  help of /debug/fibers\n");
  }
}

// What comes for `path` with the header.
std::string GetWith(const AdminServer& server, const std::string& path, const std::string& header) {
  LoopbackConnection connection(server.port());
  connection.Send(
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n", header, "\r\n\r\n"));
  return connection.ReadAll();
}

TEST(AdminServer, WithATokenOnlyOpenPagesAreForEverybody) {
  const std::string file = absl::StrCat(testing::TempDir(), "/admin_server.token");
  std::ofstream(file) << "0123456789abcdef\n";
  AdminPage live = Page("/livez", {.body = "ok\n"});
  live.open = true;
  const auto server = *AdminServer::Start(
      {.listen = "127.0.0.1:0", .token = *AdminToken::FromFile(file)},
      {live,
       Page("/secret", {.body = "told\n"}),
       {.path = "/change",
        .help = "",
        .handler = [](const AdminRequest&) { return AdminReply{.body = "changed\n"}; },
        .changes_something = true}});
  EXPECT_TRUE(server->on_loopback());
  EXPECT_EQ(Get(*server, "/livez").body, "ok\n");
  for (const char* path : {"/secret", "/", "/nope", "/change"}) {
    const HttpReply reply = Get(*server, path);
    EXPECT_EQ(reply.status, 401) << path;
    EXPECT_EQ(reply.headers.at("www-authenticate"), "Basic realm=\"admin\", charset=\"UTF-8\"");
    EXPECT_THAT(reply.body, Not(HasSubstr("/secret"))) << "not even the list";
  }
  EXPECT_EQ(Get(*server, "/change", "POST").status, 401);
  const std::string good = "Authorization: Bearer 0123456789abcdef";
  EXPECT_THAT(GetWith(*server, "/secret", good), testing::EndsWith("told\n"));
  EXPECT_THAT(GetWith(*server, "/", good), HasSubstr("/secret  help of"));
  EXPECT_THAT(GetWith(*server, "/secret", "Authorization: Bearer 0123456789abcdeX"),
              HasSubstr("HTTP/1.1 401"));
}

TEST(AdminServer, QueryIsIgnored) {
  const auto server = StartServer({Page("/livez", {.body = "ok\n"})});
  EXPECT_EQ(Get(*server, "/livez?verbose=1").body, "ok\n");
}

TEST(AdminServer, HeadHasHeadersButNoBody) {
  const auto server = StartServer({Page("/livez", {.body = "ok\n"})});
  const HttpReply reply = Get(*server, "/livez", "HEAD");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), "3");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(Get(*server, "/nope", "HEAD").status, 404);
}

TEST(AdminServer, APageIsToldItsQueryAndWhatTheClientAccepts) {
  AdminRequest seen;
  const auto server =
      StartServer({{.path = "/fibers", .help = "", .handler = [&](const AdminRequest& request) {
                      seen = request;
                      return AdminReply();
                    }}});
  Get(*server, "/fibers?name=a%20b%2Fc&view=tree&view=list&odd=%zz&flag");
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.Parameter("name"), "a b/c");
  EXPECT_EQ(seen.Parameter("view"), "list");
  EXPECT_EQ(seen.Parameter("odd"), "%zz");
  EXPECT_EQ(seen.Parameter("flag"), "");
  EXPECT_EQ(seen.Parameter("missing"), "");
}

TEST(AdminServer, APageThatChangesSomethingIsAskedByPostOnly) {
  std::string body;
  const auto server = StartServer({{.path = "/change",
                                    .help = "",
                                    .handler =
                                        [&](const AdminRequest& request) {
                                          body = request.body;
                                          return AdminReply{.body = "changed\n"};
                                        },
                                    .changes_something = true}});
  EXPECT_EQ(Get(*server, "/change").status, 405);
  EXPECT_EQ(Get(*server, "/change").headers.at("allow"), "POST");
  LoopbackConnection connection(server->port());
  connection.Send("POST /change HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nid=1&x=");
  EXPECT_THAT(connection.ReadAll(), HasSubstr("changed"));
  EXPECT_EQ(body, "id=1&x=");
}

TEST(AdminServer, OtherMethodsAre405) {
  const auto server = StartServer({Page("/livez", {})});
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const HttpReply reply = Get(*server, "/livez", method);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD");
  }
}

TEST(AdminServer, GarbageAndOversizedRequestsAreRefusedAndTheNextOneServed) {
  const auto server = StartServer({Page("/livez", {.body = "ok\n"})});
  const std::string head = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET /livez HTTP/7.1\r\n\r\n"),
        absl::StrCat(head, "X: ", std::string(kAdminMaxRequestBytes, 'x'), "\r\n\r\n")}) {
    LoopbackConnection connection(server->port());
    connection.Send(bytes);
    EXPECT_THAT(connection.ReadAll(), Not(HasSubstr("200 OK"))) << bytes.substr(0, 60);
  }
  EXPECT_EQ(Get(*server, "/livez").status, 200);
}

TEST(AdminServer, BodyOfARequestIsNotTakenForTheNextRequest) {
  const auto server = StartServer({Page("/livez", {.body = "ok\n"})});
  LoopbackConnection connection(server->port());
  connection.Send(
      "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 32\r\n\r\n"
      "GET /livez HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_THAT(connection.ReadAll(), Not(HasSubstr("ok\n")));
}

TEST(AdminServer, PagesAreMadeAtTheSameTime) {
  // Each of two pages waits for the other one: with a single thread this test would not end.
  absl::Notification first;
  absl::Notification second;
  const auto server =
      StartServer({{.path = "/first",
                    .help = "",
                    .handler =
                        [&](const AdminRequest&) {
                          first.Notify();
                          second.WaitForNotification();
                          return AdminReply();
                        }},
                   {.path = "/second", .help = "", .handler = [&](const AdminRequest&) {
                      second.Notify();
                      first.WaitForNotification();
                      return AdminReply();
                    }}});
  std::thread other([&] { EXPECT_EQ(Get(*server, "/first").status, 200); });
  EXPECT_EQ(Get(*server, "/second").status, 200);
  other.join();
}

TEST(AdminServer, IdleConnectionsOnAllThreadsAreCutOffAndTheNextOneServed) {
  const auto server = StartServer({Page("/livez", {.body = "ok\n"})});
  std::vector<std::unique_ptr<LoopbackConnection>> idle;
  for (int i = 0; i < kAdminThreads; ++i) {
    idle.push_back(std::make_unique<LoopbackConnection>(server->port()));
    idle.back()->Send("GET /livez HT");
  }
  EXPECT_EQ(Get(*server, "/livez").status, 200);
}

TEST(AdminServer, PageMayBeAskedByPostWithALongBodyAndNameAFile) {
  const auto server =
      StartServer({{.path = "/symbol",
                    .help = "",
                    .handler =
                        [](const AdminRequest& request) {
                          return AdminReply{.body = absl::StrCat(request.body.size()),
                                            .file_name = "sizes.txt"};
                        },
                    .asked_by_post = true,
                    .max_body_bytes = 20'000}});
  const HttpReply got = Get(*server, "/symbol");
  EXPECT_EQ(got.body, "0");
  EXPECT_EQ(got.headers.at("content-disposition"), "attachment; filename=\"sizes.txt\"");
  for (const auto& [sent, read] : {std::pair(19'000, 19'000), std::pair(20'001, 20'000)}) {
    LoopbackConnection client(server->port());
    client.Send(absl::StrCat("POST /symbol HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", sent,
                             "\r\n\r\n", std::string(static_cast<size_t>(sent), 'x')));
    EXPECT_THAT(client.ReadAll(), testing::EndsWith(absl::StrCat("\r\n\r\n", read)));
  }
  EXPECT_EQ(Get(*server, "/symbol", "PUT").status, 405);
}

TEST(AdminServer, DestructorWaitsForThePageBeingMade) {
  absl::Notification entered;
  absl::Notification go_on;
  std::atomic<bool> made = false;
  auto server = StartServer({{.path = "/slow", .help = "", .handler = [&](const AdminRequest&) {
                                entered.Notify();
                                go_on.WaitForNotification();
                                made.store(true);
                                return AdminReply();
                              }}});
  const int port = server->port();
  std::thread client([port] { HttpGet(port, "/slow").status().IgnoreError(); });
  entered.WaitForNotification();
  std::thread stopper([&] {
    server.reset();
    EXPECT_TRUE(made.load());
  });
  go_on.Notify();
  stopper.join();
  client.join();
  EXPECT_EQ(HttpGet(port, "/slow").status().code(), absl::StatusCode::kUnavailable);
}

TEST(AdminServer, TakenPortIsNamedWithWhatToDo) {
  const auto first = StartServer({});
  const std::string listen = absl::StrCat("127.0.0.1:", first->port());
  const absl::Status status = AdminServer::Start({.listen = listen}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            absl::StrCat(listen,
                         " is already in use; stop what listens there, or choose another "
                         "port (0: any)"));
}

TEST(AdminServer, ForeignAddressIsNamedWithWhatToDo) {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
  const absl::Status status = AdminServer::Start({.listen = "192.0.2.1:0"}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1 is no address of this machine"));
}

TEST(AdminServer, AddressThatDoesNotParseIsNamed) {
  for (const char* listen :
       {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "example.org:80", "[::1]:80", "127.0.0.1:80,81"}) {
    const absl::Status status = AdminServer::Start({.listen = listen}, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << listen;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("\"", listen, "\"")));
  }
}

TEST(AdminServer, LocalhostIsLoopback) {
  EXPECT_TRUE(AdminServer::Start({.listen = "localhost:0"}, {}).ok());
}

TEST(Readiness, StartsNotReadyAndFollowsWhatItIsTold) {
  Readiness readiness;
  EXPECT_EQ(readiness.Reply().status, 503);
  EXPECT_EQ(readiness.Reply().body, "not ready: starting\n");
  readiness.SetReady();
  EXPECT_EQ(readiness.Reply().status, 200);
  EXPECT_EQ(readiness.Reply().body, "ok\n");
  readiness.SetNotReady("draining");
  EXPECT_EQ(readiness.Reply().status, 503);
  EXPECT_EQ(readiness.Reply().body, "not ready: draining\n");
}

}  // namespace
}  // namespace weft::app
