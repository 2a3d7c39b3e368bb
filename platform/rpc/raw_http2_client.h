// For tests: a gRPC client made of a socket, that decides itself when it reads. It starts unary
// calls without waiting, gives the server all the flow-control window there is, and checks replies
// byte by byte. RFC 9113; headers are written in HPACK's plainest form and not read.
#ifndef WEFT_PLATFORM_RPC_RAW_HTTP2_CLIENT_H_
#define WEFT_PLATFORM_RPC_RAW_HTTP2_CLIENT_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft::rpc {

class RawHttp2Client {
 public:
  RawHttp2Client(int port, int receive_buffer_bytes) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::string settings("\x00\x04", 2);  // INITIAL_WINDOW_SIZE
    AppendNumber(kWindow, 4, &settings);
    std::string increment;
    AppendNumber(kWindow - kDefaultWindow, 4, &increment);
    Send(absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ToWire({kSettings, 0, 0, settings}),
                      ToWire({kWindowUpdate, 0, 0, increment})));
  }
  ~RawHttp2Client() { close(socket_); }
  RawHttp2Client(const RawHttp2Client&) = delete;
  RawHttp2Client& operator=(const RawHttp2Client&) = delete;

  int local_port() const {
    sockaddr_in address = {};
    socklen_t length = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }

  int UnreadBytes() const {
    int bytes = 0;
    ioctl(socket_, FIONREAD, &bytes);
    return bytes;
  }

  // `message` is serialized and small. Returns the call's stream.
  uint32_t StartCall(absl::string_view path, absl::string_view message) {
    const uint32_t stream = StartCall(path);
    Send(ToWire({kData, kEndStream, stream, Prefixed(message)}));
    return stream;
  }

  // The headers alone.
  uint32_t StartCall(absl::string_view path) {
    const uint32_t stream = std::exchange(next_stream_, next_stream_ + 2);
    std::string headers("\x83\x86\x01", 3);  // POST, http, and the name of :authority
    AppendString("localhost", &headers);
    headers.push_back('\x04');  // :path
    AppendString(path, &headers);
    for (const auto& [name, value] :
         {std::pair<absl::string_view, absl::string_view>{"content-type", "application/grpc"},
          {"te", "trailers"}}) {
      headers.push_back('\0');
      AppendString(name, &headers);
      AppendString(value, &headers);
    }
    Send(ToWire({kHeaders, kEndHeaders, stream, headers}));
    return stream;
  }
  // Its requests are over.
  void EndCall(uint32_t stream) { Send(ToWire({kData, kEndStream, stream, ""})); }
  // It is taken back.
  void ResetCall(uint32_t stream) {
    std::string cancel;
    AppendNumber(8, 4, &cancel);
    Send(ToWire({kResetStream, 0, stream, cancel}));
  }

  // Reads until `calls` calls have ended, and returns their data by stream. Fewer when the
  // connection ends before.
  std::map<uint32_t, std::string> ReadReplies(size_t calls) {
    std::map<uint32_t, std::string> data;
    while (calls > 0) {
      const Frame frame = ReadFrame();
      if (frame.type == kEndOfConnection) break;
      if (frame.type == kData) data[frame.stream] += frame.payload;
      if ((frame.type == kHeaders || frame.type == kData) && (frame.flags & kEndStream) != 0) {
        --calls;
      }
      EXPECT_NE(frame.type, kResetStream) << "stream " << frame.stream;
    }
    EXPECT_EQ(calls, 0u) << "calls without a reply";
    return data;
  }

  // Until the server has said which streams are the last it serves. It has then read all that this
  // client has sent.
  void AwaitGoAway() {
    for (;;) {
      const Frame frame = ReadFrame();
      ASSERT_NE(frame.type, kEndOfConnection);
      if (frame.type == kGoAway && Number(frame.payload.substr(0, 4)) < kNoStreamYet) return;
    }
  }

  void SendPing() { Send(ToWire({kPing, 0, 0, std::string(8, 'p')})); }

  // Until the server closes the connection; whatever comes before is dropped. Returns the error
  // code of the last GOAWAY, 0 without one.
  uint32_t AwaitEnd() {
    uint32_t error = 0;
    for (;;) {
      const Frame frame = ReadFrame();
      if (frame.type == kEndOfConnection) return error;
      if (frame.type == kGoAway) error = Number(frame.payload.substr(4, 4));
    }
  }

  // The settings that the server begins with, by their numbers.
  std::map<int, uint32_t> ReadSettings() {
    std::map<int, uint32_t> settings;
    const Frame frame = ReadFrame();
    EXPECT_EQ(frame.type, kSettings);
    for (size_t i = 0; i + 6 <= frame.payload.size(); i += 6) {
      settings[static_cast<int>(Number(frame.payload.substr(i, 2)))] =
          Number(frame.payload.substr(i + 2, 4));
    }
    return settings;
  }

  // A message as it stands in a call's data.
  static std::string Prefixed(absl::string_view message) {
    std::string prefixed(1, '\0');
    AppendNumber(static_cast<uint32_t>(message.size()), 4, &prefixed);
    return absl::StrCat(prefixed, message);
  }

 private:
  static constexpr uint8_t kData = 0;
  static constexpr uint8_t kHeaders = 1;
  static constexpr uint8_t kResetStream = 3;
  static constexpr uint8_t kSettings = 4;
  static constexpr uint8_t kPing = 6;
  static constexpr uint8_t kGoAway = 7;
  static constexpr uint8_t kWindowUpdate = 8;
  static constexpr uint8_t kContinuation = 9;
  static constexpr uint8_t kEndOfConnection = 255;
  static constexpr uint8_t kEndStream = 1;
  static constexpr uint8_t kAck = 1;
  static constexpr uint8_t kEndHeaders = 4;
  static constexpr size_t kHeadBytes = 9;
  static constexpr uint32_t kWindow = 0x7fffffff;
  static constexpr uint32_t kDefaultWindow = 65535;
  static constexpr uint32_t kNoStreamYet = 0x7fffffff;

  struct Frame {
    uint8_t type = kEndOfConnection;
    uint8_t flags = 0;
    uint32_t stream = 0;
    std::string payload;
  };

  static void AppendNumber(uint32_t number, int bytes, std::string* out) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out->push_back(static_cast<char>(number >> shift));
    }
  }
  static uint32_t Number(absl::string_view bytes) {
    uint32_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
    return number;
  }
  static void AppendString(absl::string_view text, std::string* out) {
    out->push_back(static_cast<char>(text.size()));
    out->append(text.data(), text.size());
  }
  static std::string ToWire(const Frame& frame) {
    std::string bytes;
    AppendNumber(static_cast<uint32_t>(frame.payload.size()), 3, &bytes);
    bytes.push_back(static_cast<char>(frame.type));
    bytes.push_back(static_cast<char>(frame.flags));
    AppendNumber(frame.stream, 4, &bytes);
    return bytes + frame.payload;
  }

  // Answers pings by the way.
  Frame ReadFrame() {
    const std::string head = Receive(kHeadBytes);
    if (head.size() < kHeadBytes) return {};
    Frame frame = {static_cast<uint8_t>(head[3]), static_cast<uint8_t>(head[4]),
                   Number(head.substr(5)), Receive(Number(head.substr(0, 3)))};
    EXPECT_LE(frame.type, kContinuation) << "the frames are out of step";
    if (frame.type == kPing && frame.flags == 0) Send(ToWire({kPing, kAck, 0, frame.payload}));
    return frame;
  }

  void Send(const std::string& bytes) {
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string Receive(size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = size == 0 ? 0 : recv(socket_, bytes.data(), size, MSG_WAITALL);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }

  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint32_t next_stream_ = 1;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_RAW_HTTP2_CLIENT_H_
