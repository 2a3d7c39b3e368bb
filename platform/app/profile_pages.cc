#include "platform/app/profile_pages.h"

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/html.h"
#include "platform/app/printable.h"
#include "platform/base/clock.h"
#include "platform/fiber/stack_trace.h"

namespace weft::app {
namespace {

using observability::CpuProfileOptions;

constexpr char kPath[] = "/debug/profile";

// A whole number from 1 to `max`; `value` as it was where there is no such parameter.
absl::Status ParseNumber(const AdminRequest& request, const std::string& name, int max,
                         int* value) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return absl::OkStatus();
  if (absl::SimpleAtoi(found->second, value) && *value >= 1 && *value <= max) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, "=", Printable(found->second), " is no whole number from 1 to ", max));
}

absl::StatusOr<CpuProfileOptions> ParseOptions(const AdminRequest& request) {
  CpuProfileOptions options;
  int seconds = static_cast<int>(absl::ToInt64Seconds(options.duration));
  const int max_seconds = static_cast<int>(absl::ToInt64Seconds(observability::kMaxProfile));
  if (absl::Status s = ParseNumber(request, "seconds", max_seconds, &seconds); !s.ok()) return s;
  if (absl::Status s = ParseNumber(request, "hz", observability::kMaxProfileHertz, &options.hertz);
      !s.ok()) {
    return s;
  }
  options.duration = absl::Seconds(seconds);
  return options;
}

std::string HowTo() {
  return HtmlPage(
      "CPU profile",
      "<p>Where the process spends its CPU time: 100 times in each second of it, the functions "
      "that run are noted, on fibers and plain threads. What waits has no samples: see "
      "<a href=\"/debug/fibers?view=stacks\">fibers</a> and <a href=\"/debug/stalls\">stalls</a> "
      "for that. It costs next to nothing; one is taken at a time.\n"
      "<form action=\"/debug/profile\"><label>Seconds<input name=\"seconds\" type=\"number\" "
      "min=\"1\" max=\"300\" value=\"30\"></label><label>Samples a second<input name=\"hz\" "
      "type=\"number\" min=\"1\" max=\"250\" value=\"100\"></label><button>Take and save"
      "</button></form>\n"
      "<p>The file is for pprof, gperftools' (<code>google-pprof</code>) or Go's, with the program "
      "that runs here:\n<pre>google-pprof --text PROGRAM FILE\ngoogle-pprof --svg PROGRAM FILE "
      "&gt; profile.svg\ngo tool pprof -http=: PROGRAM FILE</pre>\n"
      "<p>A line of the text has the samples in the function itself, their share, the shares so "
      "far added up, then the samples in it with all that it calls, and their share. Or from a "
      "shell, without the program:\n"
      "<pre>google-pprof --text --seconds=30 http://HOST:PORT</pre>\n"
      "<p>There are no heap profiles: they need another malloc, tcmalloc. "
      "<a href=\"/debug/heap\">Heap</a> has malloc's totals.\n",
      kPath);
}

AdminReply Program() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return ErrorReply(500, absl::StrCat("cannot read /proc/self/exe: ", error.message()));
  return {.body = absl::StrCat(program.string(), "\n")};
}

}  // namespace

std::vector<AdminPage> ProfilePages::Pages() {
  const auto profile = [this](const AdminRequest& request) { return Profile(request); };
  return {{.path = kPath,
           .help = "CPU profile for pprof: ?seconds=30; or google-pprof http://HOST:PORT",
           .handler = profile},
          {.path = "/pprof/profile", .help = "", .handler = profile},
          {.path = "/pprof/symbol",
           .help = "",
           .handler = [this](const AdminRequest& request) { return Symbols(request); },
           .asked_by_post = true,
           .max_body_bytes = kMaxSymbolRequestBytes},
          {.path = "/pprof/cmdline", .help = "", .handler = [](const AdminRequest&) {
             return Program();
           }}};
}

AdminReply ProfilePages::Profile(const AdminRequest& request) {
  if (request.query.empty() && request.path == kPath &&
      absl::StrContains(request.accept, "text/html")) {
    return {.content_type = kHtmlContentType, .body = HowTo()};
  }
  const absl::StatusOr<CpuProfileOptions> options = ParseOptions(request);
  if (!options.ok()) return ErrorReply(400, options.status().message());
  if (request.method == "HEAD") return {.content_type = "application/octet-stream"};
  const std::string begin =
      absl::FormatTime("%Y%m%dT%H%M%SZ", Clock::Real().Now(), absl::UTCTimeZone());
  absl::StatusOr<std::string> profile = profiles_.Take(*options);
  if (profile.ok()) {
    return {.content_type = "application/octet-stream",
            .body = *std::move(profile),
            .file_name = absl::StrCat(service_, "-", begin, ".prof")};
  }
  const std::string message(profile.status().message());
  if (profile.status().code() == absl::StatusCode::kUnavailable) {
    return ErrorReply(409, absl::StrCat(message, "; ask again when that one is done"));
  }
  return ErrorReply(503, message);
}

AdminReply ProfilePages::Symbols(const AdminRequest& request) const {
  Symbolizer symbolizer;
  if (request.method != "POST") {
    const auto own = reinterpret_cast<uintptr_t>(&Program);
    const bool has_names = !absl::StartsWith(symbolizer.Name(own + 1), "0x");
    return {.body = absl::StrCat("num_symbols: ", has_names ? 1 : 0, "\n")};
  }
  if (request.body.size() >= static_cast<size_t>(kMaxSymbolRequestBytes)) {
    return ErrorReply(413, "too many addresses: ask for fewer at once");
  }
  std::string names;
  for (const absl::string_view text : absl::StrSplit(request.body, '+', absl::SkipEmpty())) {
    uint64_t address = 0;
    if (!absl::SimpleHexAtoi(text, &address)) {
      return ErrorReply(400,
                        absl::StrCat(Printable(std::string(text)), " is no hexadecimal address"));
    }
    // pprof has already gone back from return addresses to the calls.
    const std::string& name = symbolizer.Name(static_cast<uintptr_t>(address) + 1);
    absl::StrAppend(&names, "0x", absl::Hex(address), "\t");
    absl::StrAppend(
        &names, absl::StartsWith(name, "0x") ? absl::StrCat("0x", absl::Hex(address)) : name, "\n");
  }
  return {.body = std::move(names)};
}

}  // namespace weft::app
