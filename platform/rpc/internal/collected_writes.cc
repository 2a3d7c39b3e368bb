#include "platform/rpc/internal/collected_writes.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "platform/base/check.h"

// The system's own, by the linker's --wrap.
extern "C" ssize_t __real_sendmsg(int descriptor, const msghdr* message, int flags);  // NOLINT
extern "C" int __real_shutdown(int descriptor, int how);                              // NOLINT

namespace weft::rpc::internal {
namespace {

constinit std::atomic<uint64_t> kept_total{0};
constinit std::atomic<uint64_t> stuck_total{0};

// Buffers that nobody uses now. One is in use for each window that is open, so about one a shard.
class SpareBuffers {
 public:
  std::unique_ptr<char[]> Take() {
    {
      std::lock_guard<std::mutex> hold(mutex_);
      if (!buffers_.empty()) {
        std::unique_ptr<char[]> buffer = std::move(buffers_.back());
        buffers_.pop_back();
        return buffer;
      }
    }
    return std::unique_ptr<char[]>(new char[CollectedWrites::kMaxKeptBytes]);
  }
  void Return(std::unique_ptr<char[]> buffer) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (buffers_.size() < kMaxBuffers) buffers_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kMaxBuffers = 64;
  std::mutex mutex_;
  std::vector<std::unique_ptr<char[]>> buffers_;
};

SpareBuffers& Spare() {
  static auto* buffers = new SpareBuffers;  // never destroyed: threads outlive statics
  return *buffers;
}

size_t IndexOf(int descriptor) {
  Check(descriptor >= 0 && descriptor < CollectedWrites::kMaxDescriptors,
        "a descriptor beyond kMaxDescriptors cannot be registered");
  return static_cast<size_t>(descriptor);
}

size_t SizeOf(const msghdr& message) {
  size_t size = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) size += message.msg_iov[i].iov_len;
  return size;
}

// Nothing but bytes: no timestamps or zero-copy asked for.
bool IsPlain(const msghdr& message, int flags) {
  return message.msg_controllen == 0 && message.msg_namelen == 0 &&
         (flags & ~(MSG_NOSIGNAL | MSG_DONTWAIT)) == 0;
}

}  // namespace

// What a descriptor stands for.
struct CollectedWrites::Slot {
  // Changed under the mutex. Read without it only to see that there is nothing.
  std::atomic<CollectedWrites*> writes{nullptr};
  std::mutex mutex;
};

constinit std::array<CollectedWrites::Slot, CollectedWrites::kMaxDescriptors>
    CollectedWrites::table_;

// Null when nothing is registered for the descriptor.
CollectedWrites::Slot* CollectedWrites::SlotOf(int descriptor) {
  if (descriptor < 0 || descriptor >= kMaxDescriptors) return nullptr;
  Slot* const slot = &table_[static_cast<size_t>(descriptor)];
  return slot->writes.load(std::memory_order_acquire) == nullptr ? nullptr : slot;
}

CollectedWrites::CollectedWrites(int descriptor, int socket, Watch watch)
    : descriptor_(descriptor),
      socket_(socket),
      watch_(std::move(watch)),
      slot_(table_[IndexOf(descriptor)]) {
  std::lock_guard<std::mutex> hold(slot_.mutex);
  slot_.writes.store(this, std::memory_order_release);
}

CollectedWrites::~CollectedWrites() {
  std::lock_guard<std::mutex> hold(slot_.mutex);
  Check(windows_ == 0, "a connection is destroyed while its writes are being collected");
  Unregister();
  if (!Send()) Break();
}

bool CollectedWrites::Open() {
  std::lock_guard<std::mutex> hold(slot_.mutex);
  if (!caught_ || ended_) return false;
  if (windows_++ == 0) limit_ = Send() ? Room() : 0;
  return true;
}

void CollectedWrites::Close() {
  std::lock_guard<std::mutex> hold(slot_.mutex);
  Check(windows_ > 0, "Close() ends a window that Open() has opened");
  --windows_;
  Send();
}

void CollectedWrites::Push() {
  std::lock_guard<std::mutex> hold(slot_.mutex);
  if (Send()) watch_(false);
}

CollectedWrites::Totals CollectedWrites::totals() {
  return {kept_total.load(std::memory_order_relaxed), stuck_total.load(std::memory_order_relaxed)};
}

ssize_t CollectedWrites::Sendmsg(int descriptor, const msghdr* message, int flags) {
  if (Slot* const slot = SlotOf(descriptor)) {
    std::lock_guard<std::mutex> hold(slot->mutex);
    CollectedWrites* const writes = slot->writes.load(std::memory_order_relaxed);
    if (writes != nullptr) return writes->Write(*message, flags);
  }
  return __real_sendmsg(descriptor, message, flags);
}

int CollectedWrites::Shutdown(int descriptor, int how) {
  if (Slot* const slot = SlotOf(descriptor)) {
    std::lock_guard<std::mutex> hold(slot->mutex);
    CollectedWrites* const writes = slot->writes.load(std::memory_order_relaxed);
    if (writes != nullptr) return writes->End(how);
  }
  return __real_shutdown(descriptor, how);
}

// --- Under the slot's lock -------------------------------------------------------------------

ssize_t CollectedWrites::Write(const msghdr& message, int flags) {
  caught_ = true;
  const bool may_keep = windows_ > 0 && IsPlain(message, flags);
  const size_t size = SizeOf(message);
  if (!may_keep || !Fits(size)) {
    if (!Send()) {
      errno = EAGAIN;
      return -1;
    }
    if (may_keep) limit_ = Room();
  }
  if (!may_keep || !Fits(size)) return __real_sendmsg(descriptor_, &message, flags);
  Keep(message);
  return static_cast<ssize_t>(size);
}

void CollectedWrites::Keep(const msghdr& message) {
  if (buffer_ == nullptr) buffer_ = Spare().Take();
  for (size_t i = 0; i < message.msg_iovlen; ++i) {
    const iovec& part = message.msg_iov[i];
    if (part.iov_len > 0) std::memcpy(buffer_.get() + end_, part.iov_base, part.iov_len);
    end_ += part.iov_len;
  }
  ++kept_;
}

// True when nothing is left.
bool CollectedWrites::Send() {
  while (begin_ < end_) {
    const ssize_t sent =
        send(socket_, buffer_.get() + begin_, end_ - begin_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      begin_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      limit_ = 0;
      if (!std::exchange(stuck_, true)) {
        stuck_total.fetch_add(1, std::memory_order_relaxed);
        watch_(true);
      }
      return false;
    } else if (errno != EINTR) {
      Break();
    }
  }
  Forget();
  if (std::exchange(shutdown_pending_, false)) __real_shutdown(socket_, SHUT_RDWR);
  return true;
}

// Also where the error would pass: gRPC has not seen it, and would write on behind the gap.
void CollectedWrites::Break() {
  Forget();
  __real_shutdown(socket_, SHUT_RDWR);
}

void CollectedWrites::Forget() {
  begin_ = end_ = 0;
  stuck_ = false;
  if (buffer_ == nullptr) return;
  kept_total.fetch_add(std::exchange(kept_, 0), std::memory_order_relaxed);
  Spare().Return(std::move(buffer_));
}

// gRPC writes nothing behind a shutdown, and its close(), which follows, frees the number.
int CollectedWrites::End(int how) {
  if (how != SHUT_RD) {
    ended_ = true;
    Unregister();
    if (!Send()) {
      shutdown_pending_ = true;
      const int millis = kFarewellMillis;
      setsockopt(socket_, IPPROTO_TCP, TCP_USER_TIMEOUT, &millis, sizeof(millis));
      return 0;
    }
  }
  return __real_shutdown(descriptor_, how);
}

// Unless the number has a new owner already.
void CollectedWrites::Unregister() {
  CollectedWrites* self = this;
  slot_.writes.compare_exchange_strong(self, nullptr);
}

// The kernel charges a connection for its own structures, too, so half of what it says is free.
size_t CollectedWrites::Room() const {
  std::array<uint32_t, SK_MEMINFO_VARS> memory = {};
  socklen_t length = sizeof(memory);
  if (getsockopt(socket_, SOL_SOCKET, SO_MEMINFO, memory.data(), &length) != 0) return 0;
  const uint32_t used = memory[SK_MEMINFO_WMEM_QUEUED];
  const uint32_t all = memory[SK_MEMINFO_SNDBUF];
  return used >= all ? 0 : std::min<size_t>(kMaxKeptBytes, (all - used) / 2);
}

}  // namespace weft::rpc::internal

extern "C" ssize_t __wrap_sendmsg(int descriptor, const msghdr* message, int flags) {  // NOLINT
  return weft::rpc::internal::CollectedWrites::Sendmsg(descriptor, message, flags);
}

extern "C" int __wrap_shutdown(int descriptor, int how) {  // NOLINT
  return weft::rpc::internal::CollectedWrites::Shutdown(descriptor, how);
}
