// Calls with and without tokens, over a server.
#include "platform/rpc/auth/jwt_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/blocking.h"
#include "platform/fiber/event.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/auth/token_issuer.h"
#include "platform/rpc/client/calls.h"
#include "platform/rpc/server/handler.h"
#include "platform/rpc/testing/in_process_server.h"
#include "proto/bench/v1/echo.pb.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr MethodDescriptor kOpen = {"/test.Guarded/Open", MethodKind::kUnary, {.is_public = true}};
constexpr MethodDescriptor kAny = {"/test.Guarded/Any", MethodKind::kUnary};
constexpr MethodDescriptor kWrite = {
    "/test.Guarded/Write", MethodKind::kUnary, {.required_scopes = "orders.read orders.write"}};
constexpr MethodDescriptor kHealth = {"/grpc.health.v1.Health/Check", MethodKind::kUnary};
constexpr MethodDescriptor kNone = {"/test.Guarded/None", MethodKind::kUnary};

constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;

// Answers with the subject of who called, as a child of the call's fiber sees it.
class Guarded final : public Service {
 public:
  Guarded() {
    Add(kOpen);
    Add(kAny);
    Add(kWrite);
    Add(kHealth);
  }
  int served = 0;

 private:
  void Add(const MethodDescriptor& method) {
    AddMethod(method, [](Service& service, ServerCall& call) {
      return HandleUnary<EchoRequest, EchoReply>(call, [&service](auto&, auto&) {
        ++static_cast<Guarded&>(service).served;
        return WhoCalls();
      });
    });
  }
  static absl::StatusOr<EchoReply> WhoCalls() {
    EchoReply reply;
    TaskGroup group;
    group.Spawn("child", [&] {
      const std::shared_ptr<const Claims> caller = CallerClaims();
      reply.set_payload(caller == nullptr ? "nobody" : caller->subject);
    });
    if (absl::Status s = group.Wait(); !s.ok()) return s;
    return reply;
  }
};

class JwtAuthenticatorTest : public testing::Test {
 protected:
  // A server whose keys are those in folder_.
  void Start(JwtOptions options = {}, RuntimeOptions runtime = {}) {
    options.key_folder = folder_;
    options.issuer = "login";
    options.audience = "orders";
    options.on_reload_error = [this](const absl::Status& s) { reload_errors_.push_back(s); };
    runtime.shards = std::max(runtime.shards, 1);
    auto auth = JwtAuthenticator::Create(runtime.shards, std::move(options));
    ASSERT_THAT(auth, IsOk());
    auth_ = *std::move(auth);
    server_ = std::make_unique<InProcessServer>(
        std::vector<Service*>{&service_},
        InProcessServerOptions{.server = {.interceptors = {auth_.get()}},
                               .channel = {.retry = {.max_attempts = 1}},
                               .clock = &clock_,
                               .runtime = std::move(runtime)});
  }
  std::string Token(const std::string& more = R"("sub":"ann")",
                    absl::Duration lifetime = absl::Hours(1)) {
    return Token(secret_, "secret", more, lifetime);
  }
  std::string Token(const SigningKey& key, const std::string& id, const std::string& more,
                    absl::Duration lifetime = absl::Hours(1)) {
    const int64_t expiry = absl::ToUnixSeconds(clock_.Now() + lifetime);
    return IssueToken(
        key, id, absl::StrCat(R"({"iss":"login","aud":"orders","exp":)", expiry, ",", more, "}"),
        key.algorithm());
  }
  // On a fiber: the subject that the handler saw.
  absl::StatusOr<std::string> Call(const MethodDescriptor& method, Metadata metadata) {
    EchoReply reply;
    const absl::Status status = CallUnaryMessage(*server_->channel(), method, EchoRequest(), &reply,
                                                 {.metadata = std::move(metadata)});
    if (!status.ok()) return status;
    return reply.payload();
  }
  absl::StatusOr<std::string> CallWith(const std::string& token,
                                       const MethodDescriptor& method = kAny) {
    return Call(method, {{"authorization", absl::StrCat("Bearer ", token)}});
  }

  const std::string folder_ = MakeTestFolder("jwt_authenticator_test");
  const SigningKey secret_ = SigningKey::Secret("a secret of thirty-two characters");
  std::vector<absl::Status> reload_errors_;
  ManualClock clock_;
  Guarded service_;
  std::unique_ptr<JwtAuthenticator> auth_;
  std::unique_ptr<InProcessServer> server_;
};

TEST_F(JwtAuthenticatorTest, GoodTokenIsServedAndKnownToTheHandlersChildren) {
  secret_.Publish(folder_, "secret");
  // A small stack: the crypto needs little of it.
  Start({}, {.stack_bytes = 64 * 1024});
  server_->Run([&] {
    EXPECT_THAT(CallWith(Token()), IsOkAndHolds("ann"));
    EXPECT_THAT(Call(kAny, {{"authorization", absl::StrCat("bearer ", Token())}}),
                IsOkAndHolds("ann"))
        << "RFC 9110: the scheme's case does not matter";
    EXPECT_EQ(CallerClaims(), nullptr) << "of this fiber, which serves no call";
  });
}

TEST_F(JwtAuthenticatorTest, AllAlgorithmsFitASmallStack) {
  const SigningKey rsa = SigningKey::Rsa();
  const SigningKey p256 = SigningKey::P256();
  rsa.Publish(folder_, "rsa");
  p256.Publish(folder_, "p256");
  Start({}, {.stack_bytes = 64 * 1024});
  server_->Run([&] {
    EXPECT_THAT(CallWith(Token(rsa, "rsa", R"("sub":"ann")")), IsOkAndHolds("ann"));
    EXPECT_THAT(CallWith(Token(p256, "p256", R"("sub":"ben")")), IsOkAndHolds("ben"));
  });
}

TEST_F(JwtAuthenticatorTest, CallWithoutATokenIsToldWhatItNeeds) {
  secret_.Publish(folder_, "secret");
  Start();
  server_->Run([&] {
    const auto needs = StatusIs(kUnauthenticated, HasSubstr("needs metadata \"authorization\""));
    EXPECT_THAT(Call(kAny, {}), needs);
    EXPECT_THAT(Call(kAny, {{"authorization", Token()}}), needs);
    EXPECT_THAT(Call(kAny, {{"authorization", "Basic YTpi"}}), needs);
    const std::string good = absl::StrCat("Bearer ", Token());
    EXPECT_THAT(Call(kAny, {{"authorization", good}, {"authorization", good}}), needs)
        << "which of two?";
    EXPECT_THAT(Call(kNone, {}), needs) << "strangers do not learn which methods there are";
    EXPECT_THAT(CallWith(Token(), kNone), StatusIs(absl::StatusCode::kUnimplemented));
  });
  EXPECT_EQ(service_.served, 0);
  EXPECT_EQ(auth_->Stats().refused_total, 5u);
}

TEST_F(JwtAuthenticatorTest, ClientDoesNotLearnWhatIsWrongButTheServerDoes) {
  secret_.Publish(folder_, "secret");
  Start();
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {Token(SigningKey::Secret("guessed"), "secret", R"("sub":"ann")"), "signature"},
      {Token(secret_, "other", R"("sub":"ann")"), "no key has the id"},
      {Token(R"("sub":"ann")", -absl::Hours(1)), "expired"},
      {Token(absl::StrCat(R"("nbf":)", absl::ToUnixSeconds(clock_.Now()) + 60)), "valid from"},
      {"a.b.c", "base64url"},
      {std::string(9000, 'x'), "max_token_bytes"},
  };
  server_->Run([&] {
    for (const auto& [token, why] : wrong) {
      server_->calls().Clear();
      EXPECT_THAT(CallWith(token),
                  StatusIs(kUnauthenticated, "the bearer token was refused: get a new one"))
          << why;
      EXPECT_THAT(
          server_->calls().WaitFor(1, EndedWith(StatusIs(kUnauthenticated, HasSubstr(why)))),
          IsOk());
    }
  });
  EXPECT_EQ(service_.served, 0);
}

TEST_F(JwtAuthenticatorTest, MissingScopeIsNamed) {
  secret_.Publish(folder_, "secret");
  Start();
  server_->Run([&] {
    EXPECT_THAT(CallWith(Token(), kWrite),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         AllOf(HasSubstr("\"orders.read\""), HasSubstr("test.Guarded/Write"))));
    EXPECT_THAT(CallWith(Token(R"("scope":"orders.read orders.writer")"), kWrite),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("\"orders.write\"")));
    EXPECT_EQ(service_.served, 0);
    EXPECT_THAT(CallWith(Token(R"("sub":"ann","scope":"orders.write orders.read x")"), kWrite),
                IsOkAndHolds("ann"));
    EXPECT_THAT(CallWith(Token(R"("sub":"ann","scp":["orders.read","orders.write"])"), kWrite),
                IsOkAndHolds("ann"));
  });
  EXPECT_EQ(auth_->Stats().denied_total, 2u);
}

TEST_F(JwtAuthenticatorTest, PublicAndHealthMethodsNeedNoToken) {
  secret_.Publish(folder_, "secret");
  Start();
  server_->Run([&] {
    EXPECT_THAT(Call(kOpen, {}), IsOkAndHolds("nobody"));
    EXPECT_THAT(Call(kHealth, {}), IsOkAndHolds("nobody"));
  });
}

TEST_F(JwtAuthenticatorTest, HealthCanBeProtected) {
  secret_.Publish(folder_, "secret");
  Start({.protect_grpc_services = true});
  server_->Run([&] {
    EXPECT_THAT(Call(kHealth, {}), StatusIs(kUnauthenticated));
    EXPECT_THAT(CallWith(Token(), kHealth), IsOkAndHolds("ann"));
    EXPECT_THAT(Call(kOpen, {}), IsOkAndHolds("nobody"));
  });
}

TEST_F(JwtAuthenticatorTest, TokenIsVerifiedOnceAndExpiresAllTheSame) {
  secret_.Publish(folder_, "secret");
  Start({.leeway = absl::ZeroDuration()});
  const std::string token = Token(R"("sub":"ann")", absl::Minutes(10));
  server_->Run([&] {
    for (int i = 0; i < 5; ++i) EXPECT_THAT(CallWith(token), IsOkAndHolds("ann"));
    EXPECT_EQ(auth_->Stats().verified_total, 1u);
    EXPECT_EQ(auth_->Stats().cached_total, 4u);
    clock_.Advance(absl::Minutes(11));
    EXPECT_THAT(CallWith(token), StatusIs(kUnauthenticated));
    // What is refused is not remembered: strangers could fill the memory.
    for (int i = 0; i < 2; ++i) EXPECT_THAT(CallWith("a.b.c"), StatusIs(kUnauthenticated));
    EXPECT_EQ(auth_->Stats().verified_total, 3u);
  });
}

TEST_F(JwtAuthenticatorTest, CacheCanBeSwitchedOff) {
  secret_.Publish(folder_, "secret");
  Start({.cached_tokens = 0});
  server_->Run([&] {
    const std::string token = Token();
    for (int i = 0; i < 3; ++i) EXPECT_THAT(CallWith(token), IsOkAndHolds("ann"));
  });
  EXPECT_EQ(auth_->Stats().verified_total, 3u);
}

TEST_F(JwtAuthenticatorTest, KeysAreRotatedWhileItRuns) {
  const SigningKey old_key = SigningKey::P256();
  const SigningKey new_key = SigningKey::P256();
  old_key.Publish(folder_, "old");
  Start({}, {.shards = 2});
  const std::string by_old = Token(old_key, "old", R"("sub":"ann")");
  const std::string by_new = Token(new_key, "new", R"("sub":"ann")");
  const auto calls = [&](int shard) {
    return server_->Run(
        [&] {
          return std::vector{CallWith(by_old).ok(), CallWith(by_new).ok()};
        },
        shard);
  };
  for (int shard : {0, 1}) EXPECT_THAT(calls(shard), ElementsAre(true, false));
  new_key.Publish(folder_, "new");
  EXPECT_THAT(calls(0), ElementsAre(true, false)) << "nobody has looked yet";
  clock_.Advance(absl::Seconds(10));
  for (int shard : {0, 1}) EXPECT_THAT(calls(shard), ElementsAre(true, true));
  std::filesystem::remove(absl::StrCat(folder_, "/old.es256.pem"));
  clock_.Advance(absl::Seconds(10));
  for (int shard : {0, 1}) {
    EXPECT_THAT(calls(shard), ElementsAre(false, true)) << "forgotten with its key";
  }
  EXPECT_THAT(reload_errors_, IsEmpty());
}

TEST_F(JwtAuthenticatorTest, KeysStayWhenTheFolderIsBroken) {
  secret_.Publish(folder_, "secret");
  Start();
  server_->Run([&] {
    EXPECT_THAT(CallWith(Token()), IsOk());
    WriteTestFile(absl::StrCat(folder_, "/half.rs256.pem"), "-----BEGIN PUB");
    clock_.Advance(absl::Seconds(10));
    EXPECT_THAT(CallWith(Token()), IsOk());
    EXPECT_THAT(reload_errors_, ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                                     HasSubstr("half.rs256.pem"))));
    EXPECT_THAT(CallWith(Token()), IsOk());
    EXPECT_THAT(reload_errors_, SizeIs(1)) << "told once in an interval";
    std::filesystem::remove_all(folder_);
    clock_.Advance(absl::Seconds(10));
    EXPECT_THAT(CallWith(Token()), IsOk());
    EXPECT_THAT(reload_errors_, SizeIs(2));
  });
  EXPECT_EQ(auth_->Stats().reloads_failed_total, 2u);
}

TEST_F(JwtAuthenticatorTest, CancelledCallLeavesTheReloadToTheNextOne) {
  secret_.Publish(folder_, "secret");
  Start({}, {.blocking_threads = 1});
  const SigningKey other = SigningKey::P256();
  server_->Run([&] {
    EXPECT_THAT(CallWith(Token()), IsOk());
    other.Publish(folder_, "other");
    clock_.Advance(absl::Seconds(10));
    absl::Notification go_on;
    Event busy;
    TaskGroup occupied;
    occupied.Spawn("busy", [&] {
      return Blocking([&] {
        busy.Set();
        go_on.WaitForNotification();
      });
    });
    EXPECT_THAT(busy.Wait(), IsOk());
    server_->calls().Clear();
    TaskGroup group;
    group.Spawn("call", [&] { return CallWith(Token()).status(); });
    EXPECT_THAT(server_->calls().WaitFor(1, UnderWay()), IsOk());
    group.Cancel();
    EXPECT_THAT(group.Wait(), StatusIs(absl::StatusCode::kCancelled));
    EXPECT_THAT(server_->calls().WaitFor(1, EndedWith(StatusIs(absl::StatusCode::kCancelled))),
                IsOk());
    go_on.Notify();
    EXPECT_THAT(occupied.Wait(), IsOk());
    EXPECT_EQ(service_.served, 1);
    EXPECT_THAT(CallWith(Token(other, "other", R"("sub":"ben")")), IsOkAndHolds("ben"));
  });
}

TEST_F(JwtAuthenticatorTest, OptionsThatAreMissingAreNamed) {
  secret_.Publish(folder_, "secret");
  const JwtOptions good = {.key_folder = folder_, .issuer = "login", .audience = "orders"};
  const auto fails = [&](auto change, const char* why) {
    JwtOptions options = good;
    change(options);
    EXPECT_THAT(JwtAuthenticator::Create(1, options),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  EXPECT_THAT(JwtAuthenticator::Create(1, good), IsOk());
  fails([](JwtOptions& o) { o.key_folder = ""; }, "key_folder");
  fails([](JwtOptions& o) { o.issuer = ""; }, "issuer");
  fails([](JwtOptions& o) { o.audience = ""; }, "audience");
  fails([](JwtOptions& o) { o.leeway = -absl::Seconds(1); }, "leeway");
  fails([](JwtOptions& o) { o.reload_interval = absl::ZeroDuration(); }, "reload_interval");
}

TEST_F(JwtAuthenticatorTest, ServerWithoutOneDoesNotOpenMethodsWithScopes) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  EXPECT_THAT(
      Server::Start(runtime, queues, {}, {&service_}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("test.Guarded/Write"), HasSubstr("\"orders.read orders.write\""),
                     HasSubstr("no authentication"))));
  ShardQueues other_queues(1);
  Runtime other({.shards = 1, .poller_factory = other_queues.Pollers()});
  auto open = Server::Start(other, other_queues, {.ignore_required_scopes = true}, {&service_});
  ASSERT_THAT(open, IsOk());
  EXPECT_THAT((*open)->Shutdown({}), IsOk());
}

}  // namespace
}  // namespace weft::rpc
