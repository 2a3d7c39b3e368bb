// A request to the admin server: its query in the first line, its Accept header in the second. Also
// what /debug/fibers makes of it; the query's text stands for the name of a fiber as well.
#include "platform/app/admin_request.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "platform/app/fibers_view.h"
#include "platform/app/html.h"
#include "platform/base/check.h"

namespace weft::app {
namespace {

using Parameters = std::map<std::string, std::string>;

std::string Encode(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    absl::StrAppendFormat(&encoded, "%%%02x", static_cast<unsigned char>(c));
  }
  return encoded;
}

void CheckQuery(absl::string_view query, const Parameters& parameters) {
  size_t bytes = 0;
  std::string written;
  for (const auto& [name, value] : parameters) {
    bytes += name.size() + value.size();
    absl::StrAppend(&written, Encode(name), "=", Encode(value), "&");
  }
  Check(bytes <= query.size(), "decoding makes nothing longer");
  Check(ParseQuery(written) == parameters, "what is written as a query is read as it was");
}

void CheckEscaping(const std::string& text) {
  const std::string escaped = EscapeHtml(text);
  Check(escaped.find_first_of("<>\"") == std::string::npos, "what is escaped makes no tag");
  const std::string back = absl::StrReplaceAll(
      escaped, {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}});
  Check(back == text, "what is escaped can be read");
}

// How many characters that make up tags and attributes a page has.
int64_t Markup(const std::string& html) {
  return std::count_if(html.begin(), html.end(),
                       [](char c) { return c == '<' || c == '>' || c == '"'; });
}

std::vector<FiberInfo> Fibers(const std::string& name) {
  return {{.id = 1, .state = "parked", .name = name, .waits_for = name, .trace_id = name},
          {.id = 2, .state = "ready", .name = "child", .parent_id = 1, .group_id = 3}};
}

void CheckFibersPage(const FibersQuery& query, const std::string& text) {
  FibersQuery all = query;  // but for the filter of the fibers, which would hide them
  all.filter = {};
  FibersView view = MakeFibersView(all, Fibers(text));
  view.query.filter.name = text;
  FibersView plain = MakeFibersView(all, Fibers("x"));
  plain.query.filter.name = "x";
  Check(Markup(FibersAsHtml(view)) == Markup(FibersAsHtml(plain)), "no text becomes markup");
  const auto json = nlohmann::json::parse(FibersAsJson(view), nullptr, /*allow_exceptions=*/false);
  Check(json.is_object() && json["fibers"].size() == 2, "the page is JSON, whatever the text");
  Check(!FibersAsText(view).empty(), "there is a page");
  const FibersView filtered = MakeFibersView(query, Fibers(text));
  Check(filtered.fibers.size() <= 2 && filtered.listed == 2, "a filter only takes away");
}

void TestInput(absl::string_view input) {
  const std::vector<std::string> lines = absl::StrSplit(input, absl::MaxSplits('\n', 1));
  const AdminRequest request = {.path = "/debug/fibers",
                                .query = ParseQuery(lines[0]),
                                .accept = lines.size() > 1 ? lines[1] : ""};
  CheckQuery(lines[0], request.query);
  CheckEscaping(lines[0]);
  Check(
      request.Parameter("no such parameter").empty() || request.query.contains("no such parameter"),
      "a parameter that is missing is empty");

  const absl::StatusOr<FibersQuery> query = ParseFibersQuery(request);
  if (query.ok()) {
    if (!lines[0].empty()) CheckFibersPage(*query, lines[0]);
    return;
  }
  Check(absl::IsInvalidArgument(query.status()), "a bad query is INVALID_ARGUMENT");
  const bool names_one =
      std::any_of(request.query.begin(), request.query.end(), [&](const auto& parameter) {
        return absl::StartsWith(query.status().message(), absl::StrCat(parameter.first, "="));
      });
  Check(names_one, "the error names the parameter");
}

}  // namespace
}  // namespace weft::app

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::app::TestInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
