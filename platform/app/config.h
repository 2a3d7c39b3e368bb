// Config: what a process was configured with, by name and type.
//
// Three sources, the later one wins: the defaults of the declared keys (config_key.h), the JSON
// file of --config=FILE, the flags --<name>=<value>. Whatever nobody declared is an error, and so
// is a value of another type: a misspelt key must not pass for a default in production.
//
//   absl::StatusOr<Config> config = LoadConfig(keys, command_line);
//   absl::Duration grace = config->Duration("drain.grace");
//
// Secrets: flags are visible to everybody on the machine (ps); give secrets in the file, or better
// as the name of a file.
#ifndef WEFT_PLATFORM_APP_CONFIG_H_
#define WEFT_PLATFORM_APP_CONFIG_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/config_key.h"

namespace weft::app {

// A longer configuration file is refused.
inline constexpr size_t kMaxConfigFileBytes = 1 << 20;

// A key and its value, for people.
struct ConfigEntry {
  std::string name;
  std::string value;          // "5ms"; of a secret "(secret)", and of a URL without its password
  std::string default_value;  // likewise
  std::string origin;         // "default", "flag", or the file's name

  friend bool operator==(const ConfigEntry&, const ConfigEntry&) = default;
};

// What was typed, not yet checked against any key.
struct CommandLine {
  bool help = false;
  bool version = false;
  std::string config_file = {};                                 // empty: none
  std::vector<std::pair<std::string, std::string>> flags = {};  // name and value, in order
};

// Reads `--name=value`, `--config=FILE`, `--help` (or -h) and `--version`; `arguments` without the
// program's name. Error: INVALID_ARGUMENT naming an argument of any other form.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// An immutable value; any thread may read it. Asking for a name that was not declared, or as
// another type than declared, is a mistake of the program and crashes it with a message.
class Config {
 public:
  // Every key at its default. Crashes when `keys` are wrong in themselves (FindMistake), name
  // something twice, or use a name both as a key and as a group of keys.
  explicit Config(const std::vector<ConfigKey>& keys);

  bool Bool(absl::string_view name) const;
  double Double(absl::string_view name) const;
  absl::Duration Duration(absl::string_view name) const;
  // Of a key where zero turns the limit off: zero is infinite.
  absl::Duration DurationOrNever(absl::string_view name) const;
  const std::string& String(absl::string_view name) const;
  // As the integer type wanted: `config.Int<size_t>("catalog.queue")`. The key's limits must keep
  // its values within that type.
  template <std::integral T = int>
  T Int(absl::string_view name) const {
    const int64_t value = Integer(name);
    if (!std::in_range<T>(value)) DieOutOfRange(name, value);
    return static_cast<T>(value);
  }

  // Every key, sorted by name. What is secret is masked.
  std::vector<ConfigEntry> Entries() const;

 private:
  friend absl::StatusOr<Config> LoadConfig(const std::vector<ConfigKey>& keys,
                                           const CommandLine& command_line);
  struct Setting {
    ConfigValue value;
    ConfigValue default_value;
    bool secret = false;
    std::string origin = "default";
  };

  void Set(const std::string& name, ConfigValue value, const std::string& origin);
  template <typename T>
  const T& Get(absl::string_view name) const;
  int64_t Integer(absl::string_view name) const;
  [[noreturn]] static void DieOutOfRange(absl::string_view name, int64_t value);

  std::map<std::string, Setting, std::less<>> values_;
};

// Defaults, then the file, then the flags. Blocks the thread to read the file.
// Errors, each a single line that names the file and key, or the flag, and what to do:
// INVALID_ARGUMENT for malformed JSON (with line and column), an unknown or repeated key, an
// unknown flag, a value of the wrong type or outside its limits; NOT_FOUND, PERMISSION_DENIED … for
// a file that cannot be read.
absl::StatusOr<Config> LoadConfig(const std::vector<ConfigKey>& keys,
                                  const CommandLine& command_line);

// The text of --help: usage, and every key with its type, default and help.
std::string HelpText(absl::string_view program, absl::string_view version,
                     const std::vector<ConfigKey>& keys);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONFIG_H_
