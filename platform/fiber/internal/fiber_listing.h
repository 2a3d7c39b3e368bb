// FiberListing: one look at the fibers of a shard, slice by slice, so that a shard with a hundred
// thousand of them goes on with its work meanwhile. Each slice runs on the shard's loop, between
// fibers: no fiber of the shard runs while it is described.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "platform/fiber/fiber_info.h"

namespace weft::internal {

struct FiberRecord;

// Fibers as their shard notes them: the texts and stacks of all in a few large blocks. A hundred
// thousand small ones, which another thread would free, end up in the shard's arena of glibc's
// malloc, whose next large request puts them all together at once: that takes milliseconds.
class FiberNotes {
 public:
  // What FiberInfo has as texts and stack; views of literals where it says so.
  struct Parts {
    const char* state = "";            // a literal
    const char* waits_for = "";        // a literal
    absl::string_view cancelled = {};  // of a literal
    absl::string_view name = {};
    absl::string_view trace_id = {};
    std::span<const uintptr_t> stack = {};
  };

  // `info` has neither texts nor a stack.
  void Add(FiberInfo info, const Parts& parts);
  // Adds what was noted to `infos`. Any thread.
  void AppendTo(std::vector<FiberInfo>* infos) const;

 private:
  struct Note {
    FiberInfo info;
    const char* state;
    const char* waits_for;
    absl::string_view cancelled;
    size_t name_bytes;
    size_t trace_bytes;
    size_t frames;
  };
  std::vector<Note> notes_;
  std::string texts_;              // name and trace id of each, one after the other
  std::vector<uintptr_t> stacks_;  // so are these
};

struct FiberListing {
  // How long a slice may keep the shard from its work.
  static constexpr int64_t kSliceNanos = 200'000;

  FiberQuery query;
  // Takes a slice's fibers. On the shard's thread.
  absl::AnyInvocable<void(FiberNotes slice, bool last)> deliver;

  // The shard's own: the next fiber to describe, and the shard's other listings. Fibers that came
  // later are not listed; those that ended are skipped.
  FiberRecord* next = nullptr;
  FiberListing* next_listing = nullptr;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_FIBER_LISTING_H_
