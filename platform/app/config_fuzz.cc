// A configuration: a JSON file, or, where it begins with "--", arguments of a command line, one a
// line.
#include "platform/app/config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "platform/app/config_file.h"
#include "platform/app/config_key.h"
#include "platform/base/check.h"

namespace weft::app {
namespace {

// An error is read in a terminal and in a log's line.
constexpr size_t kMaxErrorBytes = 1024;

const std::vector<ConfigKey>& Keys() {
  static const auto* const keys = new std::vector<ConfigKey>{
      {.name = "grpc.listen", .value = "0.0.0.0:50051"},
      {.name = "grpc.tls.enabled", .value = false},
      {.name = "grpc.max_bytes", .value = 1024, .min = 1},
      {.name = "any_integer",
       .value = 0,
       .min = std::numeric_limits<int64_t>::min(),
       .max = std::numeric_limits<int64_t>::max()},
      {.name = "drain.timeout", .value = absl::Seconds(20), .max = absl::Hours(1)},
      {.name = "any_time", .value = absl::ZeroDuration()},
      {.name = "ratio", .value = 0.5, .min = 0.0, .max = 1.0},
      {.name = "any_number", .value = 0.0},
      {.name = "log.level", .value = "info", .choices = {"debug", "info", "warning"}},
  };
  return *keys;
}

const ConfigKey& KeyNamed(const std::string& name) {
  const auto found = std::find_if(Keys().begin(), Keys().end(),
                                  [&](const ConfigKey& key) { return key.name == name; });
  Check(found != Keys().end(), "only declared keys are set");
  return *found;
}

// `text` is what error texts call the thing that was read.
void CheckError(const absl::Status& status, absl::string_view text) {
  const absl::string_view message = status.message();
  Check(absl::IsInvalidArgument(status), "bad input is INVALID_ARGUMENT");
  Check(absl::StrContains(message, text), "the error names what it is about");
  Check(message.size() <= kMaxErrorBytes, "an error is short");
  Check(std::none_of(message.begin(), message.end(), absl::ascii_iscntrl), "an error is one line");
}

// Texts of numbers have six digits, those of durations whole nanoseconds.
bool AreAlike(const ConfigValue& a, const ConfigValue& b) {
  if (const double* const number = std::get_if<double>(&a)) {
    return std::abs(*number - std::get<double>(b)) <= 1e-5 * std::abs(*number);
  }
  if (const absl::Duration* const duration = std::get_if<absl::Duration>(&a)) {
    return absl::AbsDuration(*duration - std::get<absl::Duration>(b)) <= absl::Nanoseconds(1);
  }
  return a == b;
}

void CheckFile(absl::string_view text) {
  const absl::StatusOr<std::map<std::string, ConfigValue>> values =
      ParseConfigText(Keys(), "weft.json", text);
  if (!values.ok()) return CheckError(values.status(), "weft.json:");
  for (const auto& [name, value] : *values) {
    const ConfigKey& key = KeyNamed(name);
    Check(CheckValue(key, value).ok(), "a value is of its key's type, within its limits");
    // A text cannot be told from a flag's text; everything else can be written as a flag.
    const absl::StatusOr<ConfigValue> flag = ParseValue(key, FormatValue(value));
    Check(flag.ok() && AreAlike(value, *flag), "a flag says the same as the file");
  }
}

void CheckArguments(absl::string_view input) {
  const std::vector<std::string> arguments = absl::StrSplit(input, '\n');
  absl::StatusOr<CommandLine> command_line = ParseCommandLine(arguments);
  if (!command_line.ok()) return CheckError(command_line.status(), "; ");
  command_line->config_file.clear();  // No file of this machine is input.
  const absl::StatusOr<Config> config = LoadConfig(Keys(), *command_line);
  if (!config.ok()) return CheckError(config.status(), "flag ");
  std::map<std::string, std::string> last;
  for (const auto& [name, text] : command_line->flags) last[name] = text;
  const auto entries = config->Entries();
  Check(entries.size() == Keys().size(), "every key has a value");
  for (const ConfigEntry& entry : entries) {
    const ConfigKey& key = KeyNamed(entry.name);
    const auto flag = last.find(entry.name);
    Check(entry.origin == (flag == last.end() ? "default" : "flag"), "the origin is told");
    if (absl::StrContains(entry.value, "://***@")) continue;  // A password was taken out.
    const std::string expected = FormatValue(
        flag == last.end() ? key.value : ParseValue(key, flag->second).value_or(ConfigValue()));
    Check(entry.value == expected, "the last flag of a name wins");
  }
}

}  // namespace
}  // namespace weft::app

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  if (absl::StartsWith(input, "--")) {
    weft::app::CheckArguments(input);
  } else {
    weft::app::CheckFile(input);
  }
  return 0;
}
