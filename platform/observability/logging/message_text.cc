#include "platform/observability/logging/message_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/cut_text.h"
#include "proto/weft/options.pb.h"

namespace weft::observability {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;

// Longer strings and byte fields are cut by the printer, so that a large message is not written out
// to be thrown away.
constexpr int64_t kMaxString = kMaxMessageText;

// Writes `text` for a value of any type.
class Instead final : public TextFormat::FastFieldValuePrinter {
 public:
  using Generator = TextFormat::BaseTextGenerator;
  explicit Instead(const char* text) : text_(text) {}

  void PrintBool(bool, Generator* to) const override { to->PrintString(text_); }
  void PrintInt32(int32_t, Generator* to) const override { to->PrintString(text_); }
  void PrintUInt32(uint32_t, Generator* to) const override { to->PrintString(text_); }
  void PrintInt64(int64_t, Generator* to) const override { to->PrintString(text_); }
  void PrintUInt64(uint64_t, Generator* to) const override { to->PrintString(text_); }
  void PrintFloat(float, Generator* to) const override { to->PrintString(text_); }
  void PrintDouble(double, Generator* to) const override { to->PrintString(text_); }
  void PrintString(const std::string&, Generator* to) const override { to->PrintString(text_); }
  void PrintBytes(const std::string&, Generator* to) const override { to->PrintString(text_); }
  void PrintEnum(int32_t, const std::string&, Generator* to) const override {
    to->PrintString(text_);
  }
  void PrintMessageStart(const Message&, int, int, bool, Generator* to) const override {
    to->PrintString(": ");
  }
  bool PrintMessageContent(const Message&, int, int, bool, Generator* to) const override {
    to->PrintString(text_);
    return true;
  }
  void PrintMessageEnd(const Message&, int, int, bool, Generator* to) const override {
    to->PrintString(" ");
  }

 private:
  const char* const text_;
};

bool IsSecret(const FieldDescriptor& field) { return field.options().GetExtension(weft::secret); }

// Registers what is to be hidden in `type` and all types within it.
void Hide(const Descriptor& type, std::unordered_set<const Descriptor*>& seen,
          TextFormat::Printer& printer) {
  if (!seen.insert(&type).second) return;
  const bool any = type.full_name() == "google.protobuf.Any";
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsSecret(field)) {
      printer.RegisterFieldValuePrinter(&field, new Instead("[secret]"));
    } else if (any && field.name() == "value") {
      printer.RegisterFieldValuePrinter(&field, new Instead("[not shown]"));
    } else if (field.message_type() != nullptr) {
      Hide(*field.message_type(), seen, printer);
    }
  }
}

std::unique_ptr<const TextFormat::Printer> MakePrinter(const Descriptor& type) {
  auto printer = std::make_unique<TextFormat::Printer>();
  printer->SetSingleLineMode(true);
  printer->SetUseUtf8StringEscaping(true);
  printer->SetHideUnknownFields(true);
  printer->SetTruncateStringFieldLongerThan(kMaxString);
  std::unordered_set<const Descriptor*> seen;
  Hide(type, seen, *printer);
  return printer;
}

// Types of generated messages live as long as the process; so do their printers.
const TextFormat::Printer& PrinterOf(const Descriptor& type) {
  static absl::Mutex mutex(absl::kConstInit);
  static auto* const printers =
      new std::unordered_map<const Descriptor*, std::unique_ptr<const TextFormat::Printer>>;
  {
    absl::MutexLock hold(&mutex);
    if (const auto found = printers->find(&type); found != printers->end()) return *found->second;
  }
  std::unique_ptr<const TextFormat::Printer> made = MakePrinter(type);
  absl::MutexLock hold(&mutex);
  return *printers->emplace(&type, std::move(made)).first->second;
}

}  // namespace

std::string MessageText(const Message& message, size_t max_bytes) {
  std::string text;
  PrinterOf(*message.GetDescriptor()).PrintToString(message, &text);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return ShortenedText(text, max_bytes);
}

}  // namespace weft::observability
