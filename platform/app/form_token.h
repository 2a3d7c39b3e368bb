// FormToken: what a form of an admin page sends along, so that no other web page can send it.
//
// Any page that a person looks at may send a POST to the admin server, but cannot read what it
// answers: the token stands in the form, and is different in each process.
#ifndef WEFT_PLATFORM_APP_FORM_TOKEN_H_
#define WEFT_PLATFORM_APP_FORM_TOKEN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::app {

class FormToken {
 public:
  FormToken();  // A new one, of 128 random bits.

  // For a form's hidden field; hexadecimal.
  const std::string& text() const { return text_; }
  // In a time that does not depend on where they differ.
  bool Matches(absl::string_view sent) const;

 private:
  const std::string text_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_FORM_TOKEN_H_
