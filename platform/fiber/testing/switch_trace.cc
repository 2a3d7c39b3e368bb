#include "platform/fiber/testing/switch_trace.h"

#include "absl/strings/str_cat.h"

namespace weft {

std::function<void(uint64_t fiber, const char* name)> SwitchTrace::Recorder() {
  return [this](uint64_t fiber, const char* name) {
    std::lock_guard<std::mutex> hold(mutex_);
    switches_.push_back(absl::StrCat(name, "#", fiber));
  };
}

std::vector<std::string> SwitchTrace::Switches() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return switches_;
}

}  // namespace weft
