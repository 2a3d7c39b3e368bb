// AdminRequest: what a page of the admin server is asked for.
#ifndef WEFT_PLATFORM_APP_ADMIN_REQUEST_H_
#define WEFT_PLATFORM_APP_ADMIN_REQUEST_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace weft::app {

struct AdminRequest {
  std::string method = "GET";
  std::string path = {};
  // Decoded; of a name that comes twice the last value.
  std::map<std::string, std::string> query = {};
  std::string accept = {};         // the header of that name
  std::string authorization = {};  // likewise
  std::string body = {};           // of a POST, at most the page's max_body_bytes

  // The value of a query's parameter; empty where there is none.
  const std::string& Parameter(const std::string& name) const;
};

// The parameters of "a=1&b=x%20y+z", as a URL's query or a form's body has them. What cannot be
// decoded is taken literally.
std::map<std::string, std::string> ParseQuery(absl::string_view query);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_ADMIN_REQUEST_H_
