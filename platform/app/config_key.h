// ConfigKey: one thing that can be configured, declared once: its name, type, default, limits and
// help text. Everything else (the file's schema, the flags, --help, error texts) follows from the
// declarations.
//
//   std::vector<ConfigKey> PricingConfigKeys() {
//     return {{.name = "pricing.think_time",
//              .value = absl::Milliseconds(5),
//              .help = "how long computing a price takes",
//              .max = absl::Seconds(10)}};
//   }
#ifndef WEFT_PLATFORM_APP_CONFIG_KEY_H_
#define WEFT_PLATFORM_APP_CONFIG_KEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weft::app {

using ConfigValue = std::variant<bool, int64_t, double, absl::Duration, std::string>;

struct ConfigKey {
  // Dotted, of lower-case letters, digits and '_': "pricing.think_time". In the file each part is
  // an object: {"pricing": {"think_time": "5ms"}}. On the command line: --pricing.think_time=5ms.
  std::string name;
  // The default; its type is the key's type.
  ConfigValue value;
  // A phrase for --help.
  std::string help = "";
  // The least and the greatest value allowed, of the same type as `value`. Without them, whole
  // numbers go from 0 to 2^31-1, durations from zero up, other numbers may be any finite one.
  std::optional<ConfigValue> min = std::nullopt;
  std::optional<ConfigValue> max = std::nullopt;
  // The values allowed for a string; empty: all.
  std::vector<std::string> choices = {};
  // The value is never shown: not by /debug/config, nor in an error.
  bool secret = false;
};

// What a value of the key's type may be, limits included: "a whole number from 1 to 64",
// `a duration such as "5ms" or "1.5s"`.
std::string DescribeType(const ConfigKey& key);

// The value as a person would write it in a flag: "5ms", "0.01", "true".
std::string FormatValue(const ConfigValue& value);

// Reads `text` as the key's type. Error: INVALID_ARGUMENT with a text that goes after the key's
// name: `must be a whole number from 1 to 64, not "many"`.
absl::StatusOr<ConfigValue> ParseValue(const ConfigKey& key, absl::string_view text);

// OK, or INVALID_ARGUMENT, as above, when the value is of another type or outside the limits.
absl::Status CheckValue(const ConfigKey& key, const ConfigValue& value);

// The text of an own mistake in a declaration (a default outside its limits, a bad name, limits of
// another type); empty when there is none.
std::string FindMistake(const ConfigKey& key);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONFIG_KEY_H_
