#include "tests/load/workload.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "proto/bench/v1/echo.pb.h"

namespace weft::load {
namespace {

absl::StatusOr<Workload> MakeSay(const WorkloadOptions& options) {
  if (options.payload_bytes < 0) return absl::InvalidArgumentError("payload_bytes is negative");
  bench::v1::EchoRequest request;
  request.set_payload(std::string(static_cast<size_t>(options.payload_bytes), 'x'));
  return Workload{.path = "/bench.v1.Echo/Say",
                  .request = request.SerializeAsString(),
                  .reply_bytes = request.ByteSizeLong()};
}

absl::StatusOr<Workload> MakeSleep(const WorkloadOptions& options) {
  if (options.sleep_ms < 0) return absl::InvalidArgumentError("sleep_ms is negative");
  bench::v1::SleepRequest request;
  request.set_duration_ms(static_cast<uint32_t>(options.sleep_ms));
  return Workload{
      .path = "/bench.v1.Echo/Sleep", .request = request.SerializeAsString(), .reply_bytes = 0};
}

absl::StatusOr<Workload> MakeFromFile(const std::string& path, const WorkloadOptions& options) {
  Workload workload{.path = path, .request = "", .reply_bytes = std::nullopt};
  if (options.request_file.empty()) return workload;
  std::ifstream file(options.request_file, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", options.request_file));
  workload.request.assign(std::istreambuf_iterator<char>(file), {});
  return workload;
}

struct NamedWorkload {
  const char* name;
  absl::StatusOr<Workload> (*make)(const WorkloadOptions&);
};

constexpr NamedWorkload kNamedWorkloads[] = {
    {"say", MakeSay},
    {"sleep", MakeSleep},
};

}  // namespace

absl::StatusOr<Workload> MakeWorkload(const std::string& method, const WorkloadOptions& options) {
  std::string names;
  for (const NamedWorkload& named : kNamedWorkloads) {
    if (method == named.name) return named.make(options);
    absl::StrAppend(&names, named.name, ", ");
  }
  if (method.starts_with("/")) return MakeFromFile(method, options);
  return absl::InvalidArgumentError(absl::StrCat("unknown method \"", method, "\": it is ", names,
                                                 "or a path like /package.Service/Method"));
}

}  // namespace weft::load
