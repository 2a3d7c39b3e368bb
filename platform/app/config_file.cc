#include "platform/app/config_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "platform/app/config.h"
#include "platform/app/printable.h"
#include "platform/app/suggestion.h"
#include "platform/base/cut_text.h"

namespace weft::app {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxErrorBytes = 500;

// "file:3:7: syntax error …" of the library's "[json.exception.parse_error.101] parse error at line
// 3, column 7: syntax error …".
absl::Status MalformedJson(absl::string_view file, absl::string_view what) {
  absl::ConsumePrefix(&what, "[");
  const size_t bracket = what.find("] ");
  if (bracket != absl::string_view::npos) what.remove_prefix(bracket + 2);
  std::string place(file);
  constexpr absl::string_view kLine = "parse error at line ";
  constexpr absl::string_view kColumn = ", column ";
  const size_t column = what.find(kColumn);
  const size_t colon = what.find(": ");
  if (absl::StartsWith(what, kLine) && column < colon && colon != absl::string_view::npos) {
    absl::StrAppend(&place, ":", what.substr(kLine.size(), column - kLine.size()), ":",
                    what.substr(column + kColumn.size(), colon - column - kColumn.size()));
    what.remove_prefix(colon + 2);
  }
  // What was read last is a part of it: however long, and with a DEL that the library lets pass.
  std::string error = absl::StrCat(place, ": malformed JSON: ", what);
  std::replace_if(error.begin(), error.end(), absl::ascii_iscntrl, '?');
  return absl::InvalidArgumentError(ShortenedText(error, kMaxErrorBytes));
}

// Parses, and refuses objects with the same key twice, of which the library would keep the last.
absl::StatusOr<Json> ParseJson(absl::string_view file, absl::string_view text) {
  std::vector<std::set<std::string>> seen;
  std::string repeated;
  const auto watch = [&](int /*depth*/, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end) seen.pop_back();
    if (event == Json::parse_event_t::key && repeated.empty() &&
        !seen.back().insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  Json json;
  try {
    json = Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::exception& error) {
    return MalformedJson(file, error.what());
  }
  if (!repeated.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": the key ", Quoted(repeated),
                                                   " stands twice in one object; keep one"));
  }
  if (!json.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": a configuration is a JSON object, {…}, not ",
                     json.is_array() ? "an array" : absl::StrCat("a ", json.type_name())));
  }
  return json;
}

// Not what is in an object or an array: it may be long, and so deep that writing it, by recursion,
// would take all of the stack.
std::string Describe(const Json& json) {
  if (json.is_null()) return "null";
  if (json.is_structured()) return absl::StrCat("an ", json.type_name());
  if (json.is_string()) return absl::StrCat("the string ", Quoted(json.get<std::string>()));
  return absl::StrCat("the ", json.type_name(), " ", json.dump());
}

// The key's value from JSON. Error: a text that goes after the key's name.
absl::StatusOr<ConfigValue> Convert(const ConfigKey& key, const Json& json) {
  ConfigValue value;
  const bool is_duration = std::holds_alternative<absl::Duration>(key.value);
  if (is_duration && json.is_string()) return ParseValue(key, json.get<std::string>());
  if (std::holds_alternative<bool>(key.value) && json.is_boolean()) {
    value = json.get<bool>();
  } else if (std::holds_alternative<std::string>(key.value) && json.is_string()) {
    value = json.get<std::string>();
  } else if (std::holds_alternative<double>(key.value) && json.is_number()) {
    value = json.get<double>();
  } else if (std::holds_alternative<int64_t>(key.value) && json.is_number_integer() &&
             !(json.is_number_unsigned() &&
               json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})) {
    value = json.get<int64_t>();
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("must be ", DescribeType(key), is_duration ? " (quoted, with a unit)" : "",
                     ", not ", key.secret ? "what was given" : Describe(json)));
  }
  if (absl::Status s = CheckValue(key, value); !s.ok()) return s;
  return value;
}

class Reader {
 public:
  Reader(const std::vector<ConfigKey>& keys, absl::string_view file) : keys_(keys), file_(file) {}

  // Reads an object whose keys' names start with `prefix`. Descends only along declared names, so
  // the file cannot make the recursion deep.
  absl::Status Read(const Json& object, const std::string& prefix) {
    for (const auto& [name, json] : object.items()) {
      if (absl::Status s = ReadOne(absl::StrCat(prefix, name), name, json); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  std::map<std::string, ConfigValue> TakeValues() { return std::move(values_); }

 private:
  absl::Status ReadOne(const std::string& name, absl::string_view part, const Json& json) {
    if (part.find('.') != absl::string_view::npos) {
      return Error(absl::StrCat("the key ", Quoted(part),
                                " has a dot in it; in a file write {\"grpc\": {\"listen\": …}}, "
                                "not {\"grpc.listen\": …}"));
    }
    for (const ConfigKey& key : keys_) {
      if (key.name != name) continue;
      absl::StatusOr<ConfigValue> value = Convert(key, json);
      if (!value.ok()) {
        return Error(absl::StrCat("\"", name, "\" ", std::string(value.status().message())));
      }
      values_[name] = *std::move(value);
      return absl::OkStatus();
    }
    const std::string group = absl::StrCat(name, ".");
    for (const ConfigKey& key : keys_) {
      if (!absl::StartsWith(key.name, group)) continue;
      if (json.is_object()) return Read(json, group);
      return Error(absl::StrCat("\"", name, "\" must be an object, such as {\"",
                                key.name.substr(group.size()), "\": …}, not ", Describe(json)));
    }
    std::vector<std::string> names;
    for (const ConfigKey& key : keys_) names.push_back(key.name);
    return Error(absl::StrCat("unknown key ", Quoted(name), DidYouMean(name, names),
                              " (--help lists all keys)"));
  }

  absl::Status Error(absl::string_view text) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ": ", text));
  }

  const std::vector<ConfigKey>& keys_;
  const absl::string_view file_;
  std::map<std::string, ConfigValue> values_;
};

}  // namespace

absl::StatusOr<std::map<std::string, ConfigValue>> ParseConfigText(
    const std::vector<ConfigKey>& keys, absl::string_view file, absl::string_view text) {
  absl::StatusOr<Json> json = ParseJson(file, text);
  if (!json.ok()) return json.status();
  Reader reader(keys, file);
  if (absl::Status s = reader.Read(*json, ""); !s.ok()) return s;
  return reader.TakeValues();
}

absl::StatusOr<std::string> ReadConfigFile(const std::string& file) {
  const auto error = [&file] {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("cannot read the configuration file ", file,
                            " (give the right path in --config=FILE, or leave it out)"));
  };
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return error();
  std::string text(kMaxConfigFileBytes + 1, '\0');
  size_t size = 0;
  ssize_t count = 0;
  do {
    size += static_cast<size_t>(count);
    count = read(fd, text.data() + size, text.size() - size);
  } while (count > 0);
  absl::Status status = count < 0 ? error() : absl::OkStatus();
  close(fd);
  if (!status.ok()) return status;
  if (size > kMaxConfigFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": larger than ", kMaxConfigFileBytes,
                                                   " bytes; is this a configuration file?"));
  }
  text.resize(size);
  return text;
}

}  // namespace weft::app
