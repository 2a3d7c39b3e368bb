// /debug/log: the levels of the log's modules (observability/logging/log_levels.h), as text, JSON
// or HTML, and a form that changes one, for good or for a while.
#ifndef WEFT_PLATFORM_APP_LOG_PAGE_H_
#define WEFT_PLATFORM_APP_LOG_PAGE_H_

#include <string>

#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"
#include "platform/app/form_token.h"

namespace weft::app {

// Both take the mutex of the levels for a moment and block for nothing else. Any thread.
class LogPages {
 public:
  // GET /debug/log; format= (text, json, html; without it HTML where the Accept header names it,
  // else text). JSON has the token that Set() wants.
  AdminReply Show(const AdminRequest& request) const;

  // POST /debug/log/set with token=, level= (debug, info, warning, error, or default: that of all
  // modules), module= (empty: all modules without a level of their own) and for= (such as 10m;
  // empty: for good). The change is logged. 403 without the token of the page, 400 for what is
  // wrong, each with a text that says what to do.
  AdminReply Set(const AdminRequest& request) const;

  // For tests.
  const std::string& token() const { return token_.text(); }

 private:
  std::string AsText() const;
  std::string AsJson() const;
  std::string AsHtml() const;

  const FormToken token_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_LOG_PAGE_H_
