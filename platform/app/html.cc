#include "platform/app/html.h"

#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

struct Link {
  absl::string_view path;
  absl::string_view label;
};

constexpr Link kPages[] = {
    {"/", "Overview"},
    {"/debug/calls", "Calls"},
    {"/debug/fibers", "Fibers"},
    {"/debug/stalls", "Stalls"},
    {"/debug/shards", "Shards"},
    {"/debug/heap", "Heap"},
    {"/debug/profile", "CPU profile"},
    {"/debug/config", "Configuration"},
    {"/debug/log", "Log"},
    {"/metrics", "Metrics"},
};

constexpr absl::string_view kStyle = R"(
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif;
  --line: #8884; --dim: #667; --bad: #b3261e; --good: #1b7f4b; --bar: #3f78c4; --card: #8881 }
@media (prefers-color-scheme: dark) {
  :root { --dim: #99a; --bad: #ff8a80; --good: #6fd49c; --bar: #7fb0ee } }
body { margin: 0 auto; padding: 0 1rem 2rem; max-width: 110rem }
header { border-bottom: 1px solid var(--line); margin: 0 -1rem 1rem; padding: .6rem 1rem }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem }
nav a { padding: .2rem 0; text-decoration: none }
nav a:hover { text-decoration: underline }
nav a[aria-current] { font-weight: bold; color: inherit; box-shadow: 0 2px }
h1 { font-size: 1.4rem; margin: .5rem 0 } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem }
h2, h3, summary { overflow-wrap: anywhere } h3 { font-size: .95rem; margin: .8rem 0 .3rem }
a, summary, button, input, select { outline-offset: 2px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; vertical-align: top }
th { border-bottom: 1px solid; white-space: nowrap } td { border-bottom: 1px solid var(--line) }
td:not(.name) { white-space: nowrap } td.name { overflow-wrap: anywhere }
td.long { white-space: normal; overflow-wrap: anywhere }
tr:target { background: #fc84 }
.scroll { overflow-x: auto }
pre, code { font: 13px/1.5 ui-monospace, monospace } pre { margin: .3rem 0 .3rem 1rem }
pre { overflow-x: auto } summary + p { margin: .3rem 0 .3rem 1rem }
.alarm { border-left: .3rem solid var(--bad); padding-left: .7rem }
.bad { color: var(--bad); font-weight: bold } .good { color: var(--good); font-weight: bold }
.dim { color: var(--dim) }
form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: 1rem 0 }
label { display: flex; flex-direction: column; font-size: .85rem }
input, select, button { font: inherit; height: 2rem; padding: 0 .5rem; box-sizing: border-box;
  max-width: 100% }
td form { margin: 0 } td button { height: 1.5rem; font-size: .85rem }
td.name { padding-left: calc(var(--depth, 0) * 1.2rem) }
summary { cursor: pointer; padding: .15rem 0 } details.call { margin: 0 0 .2rem }
.timeline { list-style: none; margin: .3rem 0 .8rem 1rem; padding: 0; white-space: normal }
.timeline li { display: grid; gap: 0 .7rem; padding: .1rem 0; border-bottom: 1px solid var(--line);
  grid-template-columns: 7rem 6.5rem minmax(8rem, 1fr) minmax(8rem, 1fr) }
.timeline .at, .timeline .took { font-variant-numeric: tabular-nums; color: var(--dim) }
.timeline .what { overflow-wrap: anywhere; grid-column: 3 } .timeline .took { grid-column: 2 }
.timeline .at { grid-column: 1; grid-row: 1 } .timeline .took { grid-row: 1 }
.timeline .what { grid-row: 1 }
.timeline .bar { position: relative; grid-column: 4; grid-row: 1; height: .7rem; margin: .35rem 0 }
.timeline .bar i { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--bar) }
.timeline .failed .bar i { background: var(--bad) } .timeline .failed .what { color: var(--bad) }
@media (max-width: 60rem) {
  .cards thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden }
  .cards tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .5rem 0;
    border-bottom: 1px solid var(--line); margin-left: calc(var(--depth, 0) * .8rem) }
  .cards td { border: 0; padding: 0 } .cards td:empty { display: none }
  .cards td:not(.name) { white-space: normal; overflow-wrap: anywhere }
  .cards td.name { order: -1; flex-basis: 100%; padding: 0; font-weight: bold }
  .cards td.name .timeline { font-weight: normal }
  .cards td[data-label]::before { content: attr(data-label) " "; color: var(--dim);
    font-size: .85rem }
  .timeline { margin-left: 0 }
  .timeline li { grid-template-columns: 1fr 1fr; padding: .3rem 0 }
  .timeline .what { grid-row: 2; grid-column: 1 / 3 }
  .timeline .bar { grid-row: 3; grid-column: 1 / 3 }
}
.cards .timeline li { grid-template-columns: 1fr 1fr; padding: .3rem 0 }
.cards .timeline .what { grid-row: 2; grid-column: 1 / 3 }
.cards .timeline .bar { grid-row: 3; grid-column: 1 / 3 }
)";

std::string Navigation(absl::string_view path) {
  std::string html = "<header><nav aria-label=\"Pages\">";
  for (const Link& page : kPages) {
    absl::StrAppend(&html, "<a href=\"", page.path, "\"",
                    page.path == path ? " aria-current=\"page\"" : "", ">", page.label, "</a>");
  }
  return html + "</nav></header>\n";
}

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

std::string HtmlPage(absl::string_view title, absl::string_view body, absl::string_view path) {
  const std::string name = EscapeHtml(title);
  return absl::StrCat("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>", name,
                      "</title>\n<style>", kStyle, "</style>\n", Navigation(path), "<main>\n<h1>",
                      name, "</h1>\n") +
         absl::StrCat(body, "</main>\n");
}

}  // namespace weft::app
