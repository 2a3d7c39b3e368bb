#include <malloc.h>

#include <string>

#include "platform/app/console/format.h"
#include "platform/app/console/reports.h"

namespace weft::app {
namespace {

ReportRow Row(const char* what, size_t bytes, const char* meaning) {
  const auto number = static_cast<double>(bytes);
  return {{what, ReportCell(number, FormatBytes(number)), meaning}};
}

}  // namespace

Report HeapReport(const Readings& readings) {
  const struct mallinfo2 heap = mallinfo2();
  const auto resident = static_cast<size_t>(readings.Sum("process_resident_memory_bytes"));
  return {
      .title = "Heap",
      .path = "/debug/heap",
      .lines =
          {"What glibc's malloc tells of all its arenas: totals. Who allocated what it does not "
           "know, so this is no profile for pprof."},
      .tables = {
          {.key = "heap",
           .title = "Memory",
           .columns = {{"what", "What"}, {"bytes", "Bytes"}, {"meaning", "Meaning"}},
           .rows = {
               Row("in_use", heap.uordblks, "allocated by the program, in arenas"),
               Row("mapped", heap.hblkhd, "allocated by the program, in large blocks of their own"),
               Row("free", heap.fordblks, "in arenas, kept for later"),
               Row("arenas", heap.arena, "taken from the system for arenas"),
               Row("trimmable", heap.keepcost, "could go back to the system at once"),
               Row("resident", resident, "of the whole process, with stacks and code")}}}};
}

}  // namespace weft::app
