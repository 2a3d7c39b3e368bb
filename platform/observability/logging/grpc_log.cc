#include "platform/observability/logging/grpc_log.h"

#include <grpc/support/log.h>

#include "absl/strings/str_cat.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("grpc");

Severity ToSeverity(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return Severity::kDebug;
    case GPR_LOG_SEVERITY_INFO:
      return Severity::kInfo;
    default:
      return Severity::kError;
  }
}

void LogOfGrpc(gpr_log_func_args* args) {
  absl::string_view file = args->file;
  file.remove_prefix(file.rfind('/') == absl::string_view::npos ? 0 : file.rfind('/') + 1);
  kLog.Log(ToSeverity(args->severity), args->message,
           {{"source", absl::StrCat(file, ":", args->line)}},
           {args->file, static_cast<uint32_t>(args->line)});
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(LogOfGrpc); }

}  // namespace weft::observability
