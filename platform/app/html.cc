#include "platform/app/html.h"

#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

constexpr absl::string_view kStyle = R"(
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { margin: 1rem auto; padding: 0 1rem; max-width: 110rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 1.5rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; vertical-align: top }
th { border-bottom: 1px solid } td { border-bottom: 1px solid #8884 }
tr:target { background: #fc84 }
.scroll { overflow-x: auto }
pre, code { font: 13px/1.5 ui-monospace, monospace } pre { margin: .3rem 0 .3rem 1rem }
pre { overflow-x: auto } summary + p { margin: .3rem 0 .3rem 1rem }
.alarm { border-left: .3rem solid #c33; padding-left: .7rem }
form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: 1rem 0 }
label { display: flex; flex-direction: column; font-size: .85rem }
input, select, button { font: inherit; height: 2rem; padding: 0 .5rem; box-sizing: border-box }
td form { margin: 0 } td button { height: 1.5rem; font-size: .85rem }
nav a { margin-right: 1rem } nav a[aria-current] { font-weight: bold; text-decoration: none }
)";

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string HtmlPage(absl::string_view title, absl::string_view body) {
  const std::string name = EscapeHtml(title);
  return absl::StrCat("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>", name,
                      "</title>\n<style>", kStyle, "</style>\n<h1>", name, "</h1>\n", body);
}

}  // namespace weft::app
