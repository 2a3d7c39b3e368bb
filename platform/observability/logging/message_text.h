// Messages in logs: their text, without what the .proto calls secret.
//
//   string card_number = 3 [(weft.secret) = true];      // proto/weft/options.proto
//
//   kLog.Info("order placed", {{"order", MessageText(order)}});
//   … "order":"sku: \"SKU-000001\" card_number: [secret] quantity: 2"
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_MESSAGE_TEXT_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_MESSAGE_TEXT_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>

namespace weft::observability {

inline constexpr size_t kMaxMessageText = 1024;

// In Protobuf's text format, on one line. In the place of a secret field, of any type and at any
// depth, stands [secret]; that it is set can be seen, and of a repeated one how often. Fields that
// this binary does not know are left out, and of a google.protobuf.Any the type alone is written:
// what they hold may be secret. What is beyond `max_bytes` is cut off, at the end of a UTF-8
// character, and "…" appended.
//
// For a log, not for machines. Walks the type's fields at its first use. Neither parks nor blocks
// but for a mutex that is held for a look-up. Any thread.
std::string MessageText(const google::protobuf::Message& message,
                        size_t max_bytes = kMaxMessageText);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_MESSAGE_TEXT_H_
