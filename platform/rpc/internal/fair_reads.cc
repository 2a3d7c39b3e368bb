#include "platform/rpc/internal/fair_reads.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <unordered_map>
#include <utility>

// The system's own, by the linker's --wrap.
extern "C" ssize_t __real_recvmsg(int descriptor, msghdr* message, int flags);  // NOLINT

namespace weft::rpc::internal {
namespace {

// Of linux/tcp.h, which does not go together with netinet/tcp.h.
constexpr int kTcpInq = 36;
// The buffers of one read that are used; gRPC has fewer.
constexpr size_t kMaxParts = 64;

// Numbers only, so that nothing here has a lifetime. The reading ones are changed by one thread at
// a time; shards count calls meanwhile.
struct Slot {
  std::atomic<uint32_t> window{0};  // 0: not registered
  std::atomic<uint32_t> read{0};    // bytes of the window
  std::atomic<uint32_t> began{0};   // since the window began
  std::atomic<uint32_t> ended{0};
  std::atomic<uint32_t> taken_back{0};
  std::atomic<int> shard{0};
  std::atomic<bool> trusted{false};
};

constinit std::array<Slot, FairReads::kMaxDescriptors> table;

Slot* SlotOf(int descriptor) {
  if (descriptor < 0 || descriptor >= FairReads::kMaxDescriptors) return nullptr;
  return &table[static_cast<size_t>(descriptor)];
}

uint32_t Get(const std::atomic<uint32_t>& number) { return number.load(std::memory_order_relaxed); }
// Where connections rest, by descriptor. Entries of those that are gone are replaced with the next
// of the number.
struct RestingPlaces {
  std::mutex mutex;
  std::unordered_map<int, std::weak_ptr<RestingReads>> by_descriptor;
};

RestingPlaces& Places() {
  static auto* places = new RestingPlaces;  // never destroyed: threads outlive statics
  return *places;
}

void Set(std::atomic<uint32_t>& number, uint32_t value) {
  number.store(value, std::memory_order_relaxed);
}

// What the kernel said is left to read; null where it said nothing.
unsigned char* LeftOf(const msghdr& message) {
  if (message.msg_controllen < sizeof(cmsghdr)) return nullptr;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level == IPPROTO_TCP && header->cmsg_type == kTcpInq &&
        header->cmsg_len >= CMSG_LEN(sizeof(int))) {
      return CMSG_DATA(header);
    }
  }
  return nullptr;
}

// Reads no more than `size` bytes.
ssize_t ReadUpTo(size_t size, int descriptor, msghdr* message, int flags) {
  size_t room = 0;
  for (size_t i = 0; i < message->msg_iovlen && room <= size; ++i) {
    room += message->msg_iov[i].iov_len;
  }
  if (room <= size) return __real_recvmsg(descriptor, message, flags);
  std::array<iovec, kMaxParts> parts;
  size_t count = 0;
  for (; count < std::min(message->msg_iovlen, kMaxParts) && size > 0; ++count) {
    parts[count] = message->msg_iov[count];
    parts[count].iov_len = std::min(parts[count].iov_len, size);
    size -= parts[count].iov_len;
  }
  msghdr shortened = *message;
  shortened.msg_iov = parts.data();
  shortened.msg_iovlen = count;
  const ssize_t got = __real_recvmsg(descriptor, &shortened, flags);
  message->msg_controllen = shortened.msg_controllen;
  message->msg_flags = shortened.msg_flags;
  return got;
}

std::shared_ptr<RestingReads> PlaceOf(int descriptor) {
  std::lock_guard<std::mutex> hold(Places().mutex);
  return Places().by_descriptor[descriptor].lock();
}

void BeginWindow(Slot& slot, bool last_was_full) {
  Set(slot.read, 0);
  const uint32_t began = slot.began.exchange(0, std::memory_order_relaxed);
  const uint32_t ended = Get(slot.ended);
  const uint32_t taken_back = Get(slot.taken_back);
  uint32_t window = Get(slot.window);
  if (ended >= FairReads::kJudgedCalls) {
    slot.ended.fetch_sub(ended, std::memory_order_relaxed);
    slot.taken_back.fetch_sub(taken_back, std::memory_order_relaxed);
    const bool trusted = taken_back <= ended / 2;
    slot.trusted.store(trusted, std::memory_order_relaxed);
    if (!trusted) {
      Set(slot.window, FairReads::kMinWindow);
      return;
    }
  } else if (window == FairReads::kMinWindow) {
    return;  // Until it has shown better.
  }
  // Many calls and none judged yet: they are not to be more before it is known what they are.
  if (!slot.trusted.load(std::memory_order_relaxed) && began > FairReads::kFewCalls) {
    window = FairReads::kFirstWindow;
    last_was_full = false;
  }
  if (last_was_full) window = std::min(2 * window, FairReads::kMaxWindow);
  Set(slot.window, window);
}

}  // namespace

RestingReads::RestingReads() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

RestingReads::~RestingReads() { close(event_); }

std::vector<RestingReads::Connection> RestingReads::Take() {
  uint64_t times = 0;
  if (read(event_, &times, sizeof(times)) < 0) return {};
  std::lock_guard<std::mutex> hold(mutex_);
  return std::exchange(resting_, {});
}

void RestingReads::Close() {
  std::lock_guard<std::mutex> hold(mutex_);
  closed_ = true;
}

bool RestingReads::Add(Connection connection) {
  std::lock_guard<std::mutex> hold(mutex_);
  if (closed_) return false;
  resting_.push_back(connection);
  const uint64_t one = 1;
  return write(event_, &one, sizeof(one)) > 0;
}

void FairReads::Register(int descriptor, const std::shared_ptr<RestingReads>& resting) {
  Slot* const slot = SlotOf(descriptor);
  if (slot == nullptr) return;
  {
    std::lock_guard<std::mutex> hold(Places().mutex);
    Places().by_descriptor[descriptor] = resting;
  }
  slot->trusted.store(false, std::memory_order_relaxed);
  slot->shard.store(0, std::memory_order_relaxed);
  for (auto* number : {&slot->read, &slot->began, &slot->ended, &slot->taken_back}) {
    Set(*number, 0);
  }
  Set(slot->window, kFirstWindow);
}

void FairReads::CallBegan(int descriptor) {
  Slot* const slot = SlotOf(descriptor);
  if (slot != nullptr) slot->began.fetch_add(1, std::memory_order_relaxed);
}

void FairReads::CallEnded(int descriptor, int shard, bool taken_back) {
  Slot* const slot = SlotOf(descriptor);
  if (slot == nullptr) return;
  slot->shard.store(shard, std::memory_order_relaxed);
  // In this order: a reader between the two sees too few, which were taken back.
  if (taken_back) slot->taken_back.fetch_add(1, std::memory_order_relaxed);
  slot->ended.fetch_add(1, std::memory_order_relaxed);
}

void FairReads::Resume(int descriptor) {
  const int one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

uint32_t FairReads::window(int descriptor) { return Get(SlotOf(descriptor)->window); }

ssize_t FairReads::Recvmsg(int descriptor, msghdr* message, int flags) {
  Slot* const slot = SlotOf(descriptor);
  const uint32_t window = slot == nullptr ? 0 : Get(slot->window);
  // gRPC reads with flags what is no data: the error queue.
  if (window == 0 || flags != 0) return __real_recvmsg(descriptor, message, flags);
  const uint32_t read = Get(slot->read);
  const ssize_t got = ReadUpTo(window - read, descriptor, message, flags);
  if (got <= 0) {
    BeginWindow(*slot, false);
    return got;
  }
  unsigned char* const left = LeftOf(*message);
  int bytes_left = 0;
  if (left != nullptr) std::memcpy(&bytes_left, left, sizeof(bytes_left));
  if (bytes_left == 0) {
    BeginWindow(*slot, false);
  } else if (read + static_cast<uint32_t>(got) < window) {
    Set(slot->read, read + static_cast<uint32_t>(got));
  } else {
    BeginWindow(*slot, true);
    std::memset(left, 0, sizeof(bytes_left));
    const std::shared_ptr<RestingReads> resting =
        slot->trusted.load(std::memory_order_relaxed) ? nullptr : PlaceOf(descriptor);
    const int shard = slot->shard.load(std::memory_order_relaxed);
    if (resting == nullptr || !resting->Add({descriptor, shard})) Resume(descriptor);
  }
  return got;
}

}  // namespace weft::rpc::internal

extern "C" ssize_t __wrap_recvmsg(int descriptor, msghdr* message, int flags) {  // NOLINT
  return weft::rpc::internal::FairReads::Recvmsg(descriptor, message, flags);
}
