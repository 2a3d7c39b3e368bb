#include "platform/app/config_key.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/printable.h"

namespace weft::app {
namespace {

// The limits that hold where a declaration names none.
std::optional<ConfigValue> Least(const ConfigKey& key) {
  if (key.min.has_value()) return key.min;
  if (std::holds_alternative<int64_t>(key.value)) return ConfigValue(int64_t{0});
  if (std::holds_alternative<absl::Duration>(key.value)) return ConfigValue(absl::ZeroDuration());
  return std::nullopt;
}

std::optional<ConfigValue> Greatest(const ConfigKey& key) {
  if (key.max.has_value()) return key.max;
  if (std::holds_alternative<int64_t>(key.value)) {
    return ConfigValue(int64_t{std::numeric_limits<int32_t>::max()});
  }
  return std::nullopt;
}

std::string DescribeLimits(const ConfigKey& key) {
  const std::optional<ConfigValue> least = Least(key);
  const std::optional<ConfigValue> greatest = Greatest(key);
  if (least.has_value() && greatest.has_value()) {
    return absl::StrCat(" from ", FormatValue(*least), " to ", FormatValue(*greatest));
  }
  if (least.has_value() && *least != ConfigValue(absl::ZeroDuration())) {
    return absl::StrCat(" of at least ", FormatValue(*least));
  }
  if (greatest.has_value()) return absl::StrCat(" of at most ", FormatValue(*greatest));
  return "";
}

absl::Status MustBe(const ConfigKey& key, absl::string_view got) {
  return absl::InvalidArgumentError(absl::StrCat("must be ", DescribeType(key), ", not ", got));
}

std::string QuotedUnlessSecret(const ConfigKey& key, const std::string& given) {
  return key.secret ? "what was given" : Quoted(given);
}

// `given` as the alternative `type` of ConfigValue; nothing when it is no such value. Returns at
// once what it has read: assigning to an optional of a variant makes g++ 12 warn at -O2 of a string
// that is not there (-Wmaybe-uninitialized; https://gcc.gnu.org/bugzilla/show_bug.cgi?id=80635).
std::optional<ConfigValue> ReadAs(size_t type, const std::string& given) {
  int64_t integer = 0;
  double number = 0;
  absl::Duration duration;
  switch (type) {
    case 0:
      if (given == "true") return true;
      if (given == "false") return false;
      return std::nullopt;
    case 1:
      if (absl::SimpleAtoi(given, &integer)) return integer;
      return std::nullopt;
    case 2:
      if (absl::SimpleAtod(given, &number)) return number;
      return std::nullopt;
    case 3:
      if (absl::ParseDuration(given, &duration)) return duration;
      return std::nullopt;
    default:
      return given;
  }
}

}  // namespace

std::string DescribeType(const ConfigKey& key) {
  if (!key.choices.empty()) return absl::StrCat("one of ", absl::StrJoin(key.choices, ", "));
  const std::string limits = DescribeLimits(key);
  switch (key.value.index()) {
    case 0:
      return "true or false";
    case 1:
      return absl::StrCat("a whole number", limits);
    case 2:
      return absl::StrCat("a number", limits);
    case 3:
      return absl::StrCat("a duration", limits, " such as \"5ms\" or \"1.5s\"");
    default:
      return "a string";
  }
}

std::string FormatValue(const ConfigValue& value) {
  struct Formatter {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(int64_t number) const { return absl::StrCat(number); }
    std::string operator()(double number) const { return absl::StrCat(number); }
    std::string operator()(absl::Duration duration) const { return absl::FormatDuration(duration); }
    std::string operator()(const std::string& text) const { return text; }
  };
  return std::visit(Formatter(), value);
}

absl::StatusOr<ConfigValue> ParseValue(const ConfigKey& key, absl::string_view text) {
  const std::string given(text);
  const std::optional<ConfigValue> value = ReadAs(key.value.index(), given);
  if (!value.has_value()) return MustBe(key, QuotedUnlessSecret(key, given));
  if (absl::Status s = CheckValue(key, *value); !s.ok()) return s;
  return *value;
}

absl::Status CheckValue(const ConfigKey& key, const ConfigValue& value) {
  const std::string got = QuotedUnlessSecret(key, FormatValue(value));
  if (value.index() != key.value.index()) return MustBe(key, got);
  const double* number = std::get_if<double>(&value);
  if (number != nullptr && !std::isfinite(*number)) return MustBe(key, got);
  const absl::Duration* duration = std::get_if<absl::Duration>(&value);
  if (duration != nullptr && absl::AbsDuration(*duration) == absl::InfiniteDuration()) {
    return MustBe(key, got);
  }
  const std::optional<ConfigValue> least = Least(key);
  const std::optional<ConfigValue> greatest = Greatest(key);
  if (least.has_value() && value < *least) return MustBe(key, got);
  if (greatest.has_value() && value > *greatest) return MustBe(key, got);
  const std::string* text = std::get_if<std::string>(&value);
  if (text != nullptr && !key.choices.empty() &&
      std::find(key.choices.begin(), key.choices.end(), *text) == key.choices.end()) {
    return MustBe(key, got);
  }
  return absl::OkStatus();
}

std::string FindMistake(const ConfigKey& key) {
  const auto good = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '.';
  };
  if (key.name.empty() || key.name.front() == '.' || key.name.back() == '.' ||
      !std::all_of(key.name.begin(), key.name.end(), good)) {
    return "its name must be of lower-case letters, digits and '_', in parts set off by dots";
  }
  for (const std::optional<ConfigValue>& limit : {key.min, key.max}) {
    if (limit.has_value() && limit->index() != key.value.index()) {
      return "its limits must be of the default's type";
    }
  }
  if (!key.choices.empty() && !std::holds_alternative<std::string>(key.value)) {
    return "only a string may have choices";
  }
  if (absl::Status s = CheckValue(key, key.value); !s.ok()) {
    return absl::StrCat("its default ", std::string(s.message()));
  }
  return "";
}

}  // namespace weft::app
