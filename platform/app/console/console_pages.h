// ConsolePages: the pages of the admin server that show the process to people and programs: the
// overview, calls, stalls, shards, configuration. What all of them need, in one place.
#ifndef WEFT_PLATFORM_APP_CONSOLE_CONSOLE_PAGES_H_
#define WEFT_PLATFORM_APP_CONSOLE_CONSOLE_PAGES_H_

#include <string>
#include <utility>
#include <vector>

#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"
#include "platform/app/config.h"
#include "platform/app/console/calls_page.h"
#include "platform/app/readiness.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/telemetry.h"

namespace weft::app {

class ConsolePages {
 public:
  // All but `title` ("pricing 1.4.0") outlive the pages.
  ConsolePages(const Config& config, Runtime& runtime, const observability::Telemetry& telemetry,
               const Readiness& readiness, std::string title)
      : config_(config),
        telemetry_(telemetry),
        readiness_(readiness),
        title_(std::move(title)),
        calls_(runtime, telemetry.calls()) {}

  // "/", which is for browsers, and those under /debug/. They block their thread, boundedly: for a
  // few milliseconds, and for kCallsTimeout where shards are asked.
  std::vector<AdminPage> Pages();

 private:
  AdminReply Overview(const AdminRequest& request) const;
  AdminReply Shards(const AdminRequest& request) const;
  AdminReply Stalls(const AdminRequest& request) const;
  AdminReply Heap(const AdminRequest& request) const;
  AdminReply Configuration(const AdminRequest& request) const;

  const Config& config_;
  const observability::Telemetry& telemetry_;
  const Readiness& readiness_;
  const std::string title_;
  const CallsPage calls_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_CONSOLE_PAGES_H_
