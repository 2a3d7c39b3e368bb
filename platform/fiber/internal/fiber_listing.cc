#include "platform/fiber/internal/fiber_listing.h"

#include <utility>

namespace weft::internal {

void FiberNotes::Add(FiberInfo info, const Parts& parts) {
  notes_.push_back({.info = std::move(info),
                    .state = parts.state,
                    .waits_for = parts.waits_for,
                    .cancelled = parts.cancelled,
                    .name_bytes = parts.name.size(),
                    .trace_bytes = parts.trace_id.size(),
                    .frames = parts.stack.size()});
  texts_.append(parts.name.data(), parts.name.size());
  texts_.append(parts.trace_id.data(), parts.trace_id.size());
  stacks_.insert(stacks_.end(), parts.stack.begin(), parts.stack.end());
}

void FiberNotes::AppendTo(std::vector<FiberInfo>* infos) const {
  size_t text = 0;
  auto frame = stacks_.begin();
  for (const Note& note : notes_) {
    FiberInfo& info = infos->emplace_back(note.info);
    info.state = note.state;
    info.waits_for = note.waits_for;
    info.cancelled = std::string(note.cancelled);
    info.name = texts_.substr(text, note.name_bytes);
    text += note.name_bytes;
    info.trace_id = texts_.substr(text, note.trace_bytes);
    text += note.trace_bytes;
    const auto end = frame + static_cast<std::ptrdiff_t>(note.frames);
    info.stack.assign(frame, end);
    frame = end;
  }
}

}  // namespace weft::internal
