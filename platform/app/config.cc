#include "platform/app/config.h"

#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/config_file.h"
#include "platform/app/printable.h"
#include "platform/app/suggestion.h"
#include "platform/base/check.h"

namespace weft::app {
namespace {

[[noreturn]] void Die(const std::string& mistake) {
  CheckFailed(mistake.c_str(), std::source_location::current());
}

const ConfigKey* FindKey(const std::vector<ConfigKey>& keys, absl::string_view name) {
  for (const ConfigKey& key : keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

// "http://***@host/" of "http://somebody:password@host/"; other texts as they are.
std::string WithoutPassword(const std::string& text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const size_t host = scheme + 3;
  const size_t at = text.rfind('@', text.find('/', host));
  if (at == std::string::npos || at < host) return text;
  return absl::StrCat(text.substr(0, host), "***", text.substr(at));
}

absl::Status UnknownFlag(const std::vector<ConfigKey>& keys, absl::string_view name) {
  std::vector<std::string> names = {"config", "help", "version"};
  for (const ConfigKey& key : keys) names.push_back(key.name);
  return absl::InvalidArgumentError(absl::StrCat("unknown flag --", Printable(name),
                                                 DidYouMean(name, names, "--"),
                                                 " (--help lists all flags)"));
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CommandLine command_line;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      command_line.help = true;
      continue;
    }
    if (argument == "--version") {
      command_line.version = true;
      continue;
    }
    if (!absl::StartsWith(argument, "--") || argument.size() == 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("unexpected argument ", Quoted(argument),
                       "; flags are written --name=value (see --help)"));
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("flag --", Printable(name),
                                                     " has no value; write --", Printable(name),
                                                     "=VALUE (see --help)"));
    }
    const std::string value = argument.substr(equals + 1);
    if (name == "config") {
      if (value.empty()) {
        return absl::InvalidArgumentError("flag --config has no value; write --config=FILE");
      }
      command_line.config_file = value;
    } else {
      command_line.flags.emplace_back(name, value);
    }
  }
  return command_line;
}

Config::Config(const std::vector<ConfigKey>& keys) {
  for (const ConfigKey& key : keys) {
    const std::string mistake = FindMistake(key);
    if (!mistake.empty()) Die(absl::StrCat("configuration key \"", key.name, "\": ", mistake));
    const Setting setting = {.value = key.value, .default_value = key.value, .secret = key.secret};
    if (!values_.emplace(key.name, setting).second) {
      Die(absl::StrCat("configuration key \"", key.name, "\" is declared twice"));
    }
  }
  for (const auto& [name, setting] : values_) {
    const auto next = values_.lower_bound(absl::StrCat(name, "."));
    if (next != values_.end() && absl::StartsWith(next->first, absl::StrCat(name, "."))) {
      Die(absl::StrCat("\"", name, "\" is both a configuration key and the group of \"",
                       next->first, "\""));
    }
  }
}

template <typename T>
const T& Config::Get(absl::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    Die(absl::StrCat("configuration key \"", name, "\" is read but not declared"));
  }
  const T* value = std::get_if<T>(&found->second.value);
  if (value == nullptr) {
    Die(absl::StrCat("configuration key \"", name, "\" is read as another type than declared"));
  }
  return *value;
}

bool Config::Bool(absl::string_view name) const { return Get<bool>(name); }
double Config::Double(absl::string_view name) const { return Get<double>(name); }
absl::Duration Config::Duration(absl::string_view name) const { return Get<absl::Duration>(name); }
absl::Duration Config::DurationOrNever(absl::string_view name) const {
  const absl::Duration limit = Duration(name);
  return limit == absl::ZeroDuration() ? absl::InfiniteDuration() : limit;
}
const std::string& Config::String(absl::string_view name) const { return Get<std::string>(name); }
int64_t Config::Integer(absl::string_view name) const { return Get<int64_t>(name); }

void Config::DieOutOfRange(absl::string_view name, int64_t value) {
  Die(absl::StrCat("configuration key \"", name, "\" is ", value,
                   ", which the type it is read as cannot hold; declare limits that it can"));
}

void Config::Set(const std::string& name, ConfigValue value, const std::string& origin) {
  Setting& setting = values_.find(name)->second;
  setting.value = std::move(value);
  setting.origin = origin;
}

std::vector<ConfigEntry> Config::Entries() const {
  std::vector<ConfigEntry> entries;
  for (const auto& entry : values_) {
    const auto& setting = entry.second;  // clang 14 does not capture structured bindings
    const auto shown = [&setting](const ConfigValue& value) {
      const std::string text = FormatValue(value);
      return setting.secret && !text.empty() ? "(secret)" : WithoutPassword(text);
    };
    entries.push_back({.name = entry.first,
                       .value = shown(setting.value),
                       .default_value = shown(setting.default_value),
                       .origin = setting.origin});
  }
  return entries;
}

absl::StatusOr<Config> LoadConfig(const std::vector<ConfigKey>& keys,
                                  const CommandLine& command_line) {
  Config config(keys);
  if (!command_line.config_file.empty()) {
    const absl::StatusOr<std::string> text = ReadConfigFile(command_line.config_file);
    if (!text.ok()) return text.status();
    absl::StatusOr<std::map<std::string, ConfigValue>> values =
        ParseConfigText(keys, command_line.config_file, *text);
    if (!values.ok()) return values.status();
    for (auto& [name, value] : *values)
      config.Set(name, std::move(value), command_line.config_file);
  }
  for (const auto& [name, text] : command_line.flags) {
    const ConfigKey* key = FindKey(keys, name);
    if (key == nullptr) return UnknownFlag(keys, name);
    absl::StatusOr<ConfigValue> value = ParseValue(*key, text);
    if (!value.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag --", name, " ", std::string(value.status().message())));
    }
    config.Set(name, *std::move(value), "flag");
  }
  return config;
}

std::string HelpText(absl::string_view program, absl::string_view version,
                     const std::vector<ConfigKey>& keys) {
  std::string text =
      absl::StrCat(program, " ", version, "\n\nUsage: ", program,
                   " [--config=FILE] [--KEY=VALUE ...]\n\n"
                   "  --config=FILE\n      a JSON file with the keys below, nested at the dots:\n"
                   "      {\"grpc\": {\"listen\": \"0.0.0.0:50051\"}}; flags override it\n"
                   "  --help, --version\n      print this, or the version, and exit\n\nKeys:\n");
  for (const ConfigKey& key : keys) {
    const std::string value = FormatValue(key.value);
    absl::StrAppend(&text, "  --", key.name, "=", value.empty() ? "\"\"" : value, "\n      ",
                    key.help, "; ", DescribeType(key), "\n");
  }
  return text;
}

}  // namespace weft::app
