#include "tests/drain/load.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"

namespace weft::drain {
namespace {

using bench::v1::DownloadRequest;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using bench::v1::UploadReply;

constexpr absl::string_view kIgnoreKey = "x-ignore-drain";
constexpr absl::string_view kBye = "bye";
constexpr absl::Duration kPace = absl::Milliseconds(5);
constexpr int kMessages = 5;       // of a stream with an end of its own
constexpr int kSlowestSayMs = 20;  // so that some are always in flight
// A call that takes so long was left hanging.
constexpr absl::Duration kHanging = absl::Seconds(20);

EchoRequest Request(const std::string& payload) {
  EchoRequest request;
  request.set_payload(payload);
  return request;
}

}  // namespace

// --- The service
// -----------------------------------------------------------------------------

absl::StatusOr<EchoReply> DrainedService::Say(CallContext&, const EchoRequest& request) {
  int milliseconds = 0;
  if (!absl::SimpleAtoi(request.payload(), &milliseconds)) {
    return absl::InvalidArgumentError("the payload is not a number of milliseconds");
  }
  if (absl::Status s = weft::SleepFor(absl::Milliseconds(milliseconds)); !s.ok()) return s;
  EchoReply reply;
  reply.set_payload(request.payload());
  return reply;
}

absl::Status DrainedService::Download(CallContext& call, const DownloadRequest& request,
                                      rpc::ServerWriter<EchoReply>& replies) {
  const bool until_drain = request.messages() == 0;
  for (uint32_t i = 0; until_drain ? !call.draining() : i < request.messages(); ++i) {
    if (absl::Status s = replies.Write({}); !s.ok()) return s;
    if (absl::Status s = weft::SleepFor(kPace); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::StatusOr<UploadReply> DrainedService::Upload(CallContext&,
                                                   rpc::ServerReader<EchoRequest>& requests) {
  UploadReply reply;
  for (EchoRequest request; requests.Read(&request);) reply.set_messages(reply.messages() + 1);
  if (!requests.status().ok()) return requests.status();
  return reply;
}

absl::Status DrainedService::Chat(CallContext& call,
                                  rpc::ServerStream<EchoRequest, EchoReply>& stream) {
  EchoRequest request;
  EchoReply reply;
  if (!call.metadata().Find(kIgnoreKey).has_value()) {
    while (stream.ReadUntilDrain(&request)) {
      reply.set_payload(request.payload());
      if (absl::Status s = stream.Write(reply); !s.ok()) return s;
    }
    reply.set_payload(std::string(kBye));
    if (absl::Status s = stream.Write(reply); !s.ok()) return s;
  }
  while (stream.Read(&request)) {
    reply.set_payload(request.payload());
    if (absl::Status s = stream.Write(reply); !s.ok()) return s;
  }
  return stream.status();
}

// --- Its clients
// -----------------------------------------------------------------------------

template <typename Call>
absl::Status Caller::Record(bool ignores_drain, Call call) {
  EndedCall ended;
  ended.id = books_.NextId();
  ended.ignores_drain = ignores_drain;
  ended.begun_in_grace = in_grace_.load();
  rpc::CallOptions options;
  options.timeout = kHanging;
  options.retry = false;  // A call that is lost must not be hidden by another attempt.
  options.metadata.Add(kIdKey, absl::StrCat(ended.id));
  if (ignores_drain) options.metadata.Add(kIgnoreKey, "1");
  const absl::Time begin = weft::Now();
  ended.status = call(options);
  ended.took = weft::Now() - begin;
  books_.Enter(ended);
  return ended.status;
}

void Caller::SayInALoop() {
  absl::Status status;
  for (int i = 0; status.ok(); ++i) {
    status = Record(false, [&](const rpc::CallOptions& options) {
      return client_.Say(Request(absl::StrCat(i % kSlowestSayMs)), options).status();
    });
  }
}

void Caller::UploadInALoop() {
  absl::Status status;
  while (status.ok()) {
    status = Record(false, [&](const rpc::CallOptions& options) -> absl::Status {
      auto requests = client_.Upload(options);
      for (int i = 0; i < kMessages && requests.Write({}); ++i) {
        if (absl::Status s = weft::SleepFor(kPace); !s.ok()) return s;
      }
      const absl::StatusOr<UploadReply> reply = requests.Finish();
      if (!reply.ok()) return reply.status();
      return reply->messages() == kMessages ? absl::OkStatus()
                                            : absl::DataLossError("requests are missing");
    });
  }
}

void Caller::DownloadInALoop() {
  absl::Status status;
  while (status.ok()) {
    status = Record(false, [&](const rpc::CallOptions& options) -> absl::Status {
      DownloadRequest request;
      request.set_messages(kMessages);
      auto replies = client_.Download(request, options);
      int messages = 0;
      for (EchoReply reply; replies.Read(&reply);) ++messages;
      if (absl::Status s = replies.Finish(); !s.ok()) return s;
      return messages == kMessages ? absl::OkStatus() : absl::DataLossError("replies are missing");
    });
  }
}

void Caller::WatchInALoop() {
  absl::Status status;
  while (status.ok()) {
    status = Record(false, [&](const rpc::CallOptions& options) {
      auto replies = client_.Download({}, options);
      for (EchoReply reply; replies.Read(&reply);) {
      }
      return replies.Finish();
    });
  }
}

void Caller::ChatInALoop() {
  absl::Status status;
  while (status.ok()) {
    status = Record(false, [&](const rpc::CallOptions& options) -> absl::Status {
      auto stream = client_.Chat(options);
      int echoes_missing = 0;
      bool bye = false;
      EchoReply reply;
      while (!bye && stream.Write(Request("ping"))) {
        ++echoes_missing;
        while (echoes_missing > 0 && stream.Read(&reply)) {
          if (reply.payload() == kBye) {
            bye = true;
          } else {
            --echoes_missing;
          }
        }
        if (absl::Status s = weft::SleepFor(kPace); !s.ok()) return s;
      }
      stream.WritesDone();
      while (stream.Read(&reply)) {
      }
      if (absl::Status s = stream.Finish(); !s.ok()) return s;
      return echoes_missing == 0 ? absl::OkStatus() : absl::DataLossError("an echo is missing");
    });
  }
}

void Caller::ChatIgnoringTheDrain() {
  Record(true, [&](const rpc::CallOptions& options) {
    auto stream = client_.Chat(options);
    EchoReply reply;
    stream.Write(Request("ping"));
    while (stream.Read(&reply)) {
    }
    return stream.Finish();
  }).IgnoreError();
}

}  // namespace weft::drain
