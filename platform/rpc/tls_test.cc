#include "platform/rpc/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Certificates by openssl's command line: an authority, and what it signs.
class Certificates {
 public:
  Certificates() : folder_(testing::TempDir()) {
    Run(
        absl::StrCat("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "
                     "/CN=ca -keyout ",
                     File("ca.key"), " -out ", File("ca.pem")));
  }
  void Issue(const std::string& name, const std::string& alternative_names) {
    Run(absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=", name,
                     " -addext subjectAltName=", alternative_names, " -keyout ",
                     File(name + ".key"), " -out ", File(name + ".csr")));
    Run(absl::StrCat("x509 -req -copy_extensions copy -days 30 -in ", File(name + ".csr"), " -CA ",
                     File("ca.pem"), " -CAkey ", File("ca.key"), " -CAcreateserial -out ",
                     File(name + ".pem")));
  }
  std::string File(const std::string& name) const { return folder_ + name; }

  TlsServerOptions Server() const {
    return {.certificate_file = File("server.pem"), .private_key_file = File("server.key")};
  }

 private:
  static void Run(const std::string& arguments) {
    ASSERT_EQ(std::system(absl::StrCat("openssl ", arguments, " 2>/dev/null").c_str()), 0)
        << arguments;
  }
  const std::string folder_;
};

Certificates& TestCertificates() {
  static Certificates& certificates = *[] {
    auto* const made = new Certificates;
    made->Issue("server", "DNS:localhost,IP:127.0.0.1");
    made->Issue("client", "URI:spiffe://test/client,DNS:client.test");
    return made;
  }();
  return certificates;
}

// Calls a server with these options, over a channel with those; the reply is who the client is.
absl::StatusOr<std::vector<std::string>> CallOverTls(TlsServerOptions server_options,
                                                     TlsChannelOptions channel_options) {
  TestServer server({.tls = std::move(server_options)});
  std::vector<std::string> identities;
  server.echo().say = [&](CallContext& call, const bench::v1::EchoRequest&) {
    identities = call.peer_identities();
    return bench::v1::EchoReply();
  };
  const auto channel = Channel::Create(absl::StrCat("127.0.0.1:", server.port()),
                                       {.tls = std::move(channel_options), .own_connection = true});
  if (!channel.ok()) return channel.status();
  absl::Status status;
  server.Run([&] { status = bench::v1::EchoClient(*channel).Say({}).status(); });
  if (!status.ok()) return status;
  return identities;
}

TEST(Tls, ClientWithoutCertificateIsNobody) {
  const Certificates& files = TestCertificates();
  const auto identities = CallOverTls(files.Server(), {.ca_file = files.File("ca.pem")});
  ASSERT_TRUE(identities.ok()) << identities.status();
  EXPECT_THAT(*identities, IsEmpty());
}

TEST(Tls, MutualTlsTellsWhoTheClientIs) {
  const Certificates& files = TestCertificates();
  TlsServerOptions server = files.Server();
  server.client_ca_file = files.File("ca.pem");
  const auto identities = CallOverTls(server, {.ca_file = files.File("ca.pem"),
                                               .certificate_file = files.File("client.pem"),
                                               .private_key_file = files.File("client.key")});
  ASSERT_TRUE(identities.ok()) << identities.status();
  EXPECT_THAT(*identities, ElementsAre("spiffe://test/client", "client.test"));
}

TEST(Tls, MutualTlsRefusesAClientWithoutCertificate) {
  const Certificates& files = TestCertificates();
  TlsServerOptions server = files.Server();
  server.client_ca_file = files.File("ca.pem");
  const auto identities = CallOverTls(server, {.ca_file = files.File("ca.pem")});
  EXPECT_EQ(identities.status().code(), absl::StatusCode::kUnavailable);
}

TEST(Tls, PlaintextCallsHaveNoIdentities) {
  TestServer server;
  std::vector<std::string> identities = {"untouched"};
  server.echo().say = [&](CallContext& call, const bench::v1::EchoRequest&) {
    identities = call.peer_identities();
    return bench::v1::EchoReply();
  };
  server.Run([&] { EXPECT_TRUE(server.client().Say({}).ok()); });
  EXPECT_THAT(identities, IsEmpty());
}

void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& text) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(text));
}

TEST(TlsServerOptions, BothFilesAreNeeded) {
  TlsServerOptions options = TestCertificates().Server();
  options.private_key_file.clear();
  ExpectError(Validate(options), absl::StatusCode::kInvalidArgument, "private_key_file");
}

TEST(TlsServerOptions, FileThatIsNotThereIsNamed) {
  TlsServerOptions options = TestCertificates().Server();
  options.certificate_file = "/nowhere/server.pem";
  ExpectError(Validate(options), absl::StatusCode::kNotFound,
              "certificate_file '/nowhere/server.pem'");
}

TEST(TlsServerOptions, FolderInsteadOfAFileIsAnError) {
  TlsServerOptions options = TestCertificates().Server();
  options.certificate_file = testing::TempDir();
  EXPECT_FALSE(Validate(options).ok());
}

TEST(TlsServerOptions, FileWithoutACertificateIsAnError) {
  TlsServerOptions options = TestCertificates().Server();
  options.certificate_file = options.private_key_file;
  ExpectError(Validate(options), absl::StatusCode::kFailedPrecondition, "has no certificate");
}

TEST(TlsServerOptions, KeyOfAnotherCertificateIsAnError) {
  TlsServerOptions options = TestCertificates().Server();
  options.private_key_file = TestCertificates().File("client.key");
  ExpectError(Validate(options), absl::StatusCode::kFailedPrecondition,
              "is not the key of the certificate");
}

TEST(TlsServerOptions, ReloadIntervalIsWholeSeconds) {
  TlsServerOptions options = TestCertificates().Server();
  options.reload_interval = absl::Milliseconds(10);
  ExpectError(Validate(options), absl::StatusCode::kInvalidArgument, "reload_interval");
}

TEST(TlsServerOptions, ServerDoesNotStartWithBadOnes) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  const auto server = Server::Start(runtime, queues, {.tls = TlsServerOptions{}}, {});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TlsChannelOptions, KeyWithoutCertificateIsAnError) {
  const auto channel = Channel::Create(
      "127.0.0.1:1", {.tls = {{.private_key_file = TestCertificates().File("client.key")}}});
  ExpectError(channel.status(), absl::StatusCode::kInvalidArgument, "or neither");
}

TEST(TlsChannelOptions, AuthoritiesThatAreNoneAreAnError) {
  const TlsChannelOptions options = {.ca_file = TestCertificates().File("client.key")};
  ExpectError(Validate(options), absl::StatusCode::kFailedPrecondition, "ca_file");
}

}  // namespace
}  // namespace weft::rpc
