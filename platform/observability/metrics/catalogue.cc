#include "platform/observability/metrics/catalogue.h"

#include "absl/strings/str_cat.h"

namespace weft::observability {

absl::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "";
}

std::string CatalogueTable() {
  std::string table =
      "| name | type | labels | unit | layer | help |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  for (const Metric& metric : kCatalogue) {
    std::string labels;
    for (size_t i = 0; i < metric.label_count(); ++i) {
      absl::StrAppend(&labels, i == 0 ? "" : ", ", metric.labels[i]);
    }
    absl::StrAppend(&table, "| `", metric.name, "` | ", MetricTypeName(metric.type), " | ", labels,
                    labels.empty() ? "| " : " | ", metric.unit, " | ", metric.layer, " | ",
                    metric.help, " |\n");
  }
  return table;
}

}  // namespace weft::observability
