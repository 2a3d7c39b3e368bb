// /debug/fibers: what every fiber of the process does now, as text, JSON or HTML (fibers_view.h has
// the parameters), and the button that cancels one. The same to the log, on SIGQUIT.
#ifndef WEFT_PLATFORM_APP_FIBERS_PAGE_H_
#define WEFT_PLATFORM_APP_FIBERS_PAGE_H_

#include <string>

#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"
#include "platform/app/form_token.h"
#include "platform/fiber/runtime.h"

namespace weft::app {

class FibersPages {
 public:
  // `runtime` outlives the pages. `allow_cancel`: the switch "admin.allow_cancel".
  FibersPages(Runtime& runtime, bool allow_cancel);

  // GET /debug/fibers. Blocks the thread, boundedly (fibers_view.h). Not on a fiber of the runtime.
  AdminReply Show(const AdminRequest& request) const;

  // POST /debug/fibers/cancel with id= and token=: cancels one fiber with the cause "by hand", as
  // Runtime::CancelFiber does. 403 unless cancelling is allowed and the token is the one on the
  // page: other web pages may send a POST here, but cannot read it.
  AdminReply Cancel(const AdminRequest& request) const;

 private:
  Runtime& runtime_;
  const bool allow_cancel_;
  const FormToken token_;
};

// Writes the fibers to the log, those with identical stacks in one line, the largest groups first.
// For when the admin server cannot be reached: `kill -QUIT`. Blocks the thread, boundedly.
void LogFibers(Runtime& runtime);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_FIBERS_PAGE_H_
