#include "platform/rpc/codegen/options_writer.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/weft/options.pb.h"

namespace weft::rpc::codegen {
namespace {

using ::google::protobuf::Duration;
using ::google::protobuf::MethodDescriptor;
// Protobuf's own options, not those of weft::rpc.
using ProtoOptions = ::google::protobuf::MethodOptions;

// Protobuf's documented range of a Duration is far wider; nobody waits for a call that long.
constexpr int64_t kMaxTimeoutSeconds = 365 * 24 * 3600;

const MethodPolicy& PolicyOf(const MethodDescriptor& method) {
  return method.options().GetExtension(::weft::method);
}

// RFC 6749, section 3.3: printable ASCII without space, quotation mark and backslash.
bool IsScope(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '\\';
  });
}

// What is wrong with who may call; empty: nothing.
std::string AccessMistake(const MethodPolicy& policy) {
  std::set<std::string> seen;
  for (const std::string& scope : policy.required_scopes()) {
    if (!IsScope(scope)) {
      return absl::StrCat("required_scopes has \"", scope,
                          "\": a scope is printable ASCII without spaces, quotation marks and "
                          "backslashes, and not empty");
    }
    if (!seen.insert(scope).second) {
      return absl::StrCat("required_scopes has \"", scope, "\" twice");
    }
  }
  if (policy.public_() && !seen.empty()) {
    return "public contradicts required_scopes: anybody may call a public method";
  }
  return "";
}

absl::Status CheckMethod(const MethodDescriptor& method) {
  const MethodPolicy& policy = PolicyOf(method);
  const auto fail = [&method](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(method.full_name()), ": option (weft.method).", why));
  };
  const Duration& timeout = policy.default_timeout();
  const bool positive = timeout.seconds() >= 0 && timeout.nanos() >= 0 &&
                        timeout.nanos() < 1'000'000'000 && timeout.seconds() + timeout.nanos() > 0;
  if (policy.has_default_timeout() && (!positive || timeout.seconds() > kMaxTimeoutSeconds)) {
    return fail("default_timeout must be longer than zero and at most a year");
  }
  const bool idempotent = method.options().idempotency_level() != ProtoOptions::IDEMPOTENCY_UNKNOWN;
  if (policy.retry() == MethodPolicy::HEDGE && !idempotent) {
    return fail(
        "retry is HEDGE: a hedged method runs twice, so it must say that this does no harm "
        "with option idempotency_level");
  }
  if (policy.retry() == MethodPolicy::HEDGE &&
      (method.client_streaming() || method.server_streaming())) {
    return fail("retry is HEDGE: streams are not hedged");
  }
  if (const std::string mistake = AccessMistake(policy); !mistake.empty()) return fail(mistake);
  return absl::OkStatus();
}

std::string DurationExpression(const Duration& duration) {
  const int64_t nanos = duration.nanos();
  if (nanos == 0) return absl::StrCat("::absl::Seconds(", duration.seconds(), ")");
  if (nanos % 1'000'000 == 0) {
    return absl::StrCat("::absl::Milliseconds(", duration.seconds() * 1000 + nanos / 1'000'000,
                        ")");
  }
  return absl::StrCat("::absl::Seconds(", duration.seconds(), ") + ::absl::Nanoseconds(", nanos,
                      ")");
}

// Null for what is the default.
const char* IdempotencyName(const MethodDescriptor& method) {
  switch (method.options().idempotency_level()) {
    case ProtoOptions::NO_SIDE_EFFECTS:
      return "kNoSideEffects";
    case ProtoOptions::IDEMPOTENT:
      return "kIdempotent";
    default:
      return nullptr;
  }
}

const char* CriticalityName(const MethodPolicy& policy) {
  switch (policy.criticality()) {
    case MethodPolicy::SHEDDABLE:
      return "kSheddable";
    case MethodPolicy::SHEDDABLE_PLUS:
      return "kSheddablePlus";
    case MethodPolicy::CRITICAL_PLUS:
      return "kCriticalPlus";
    default:
      return nullptr;
  }
}

const char* RetryName(const MethodPolicy& policy) {
  switch (policy.retry()) {
    case MethodPolicy::NEVER:
      return "kNever";
    case MethodPolicy::HEDGE:
      return "kHedge";
    default:
      return nullptr;
  }
}

}  // namespace

absl::Status CheckOptions(const google::protobuf::FileDescriptor& file) {
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      if (absl::Status s = CheckMethod(*file.service(i)->method(j)); !s.ok()) return s;
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> OptionInitializers(const MethodDescriptor& method) {
  const MethodPolicy& policy = PolicyOf(method);
  std::vector<std::string> initializers;
  if (const char* name = IdempotencyName(method)) {
    initializers.push_back(absl::StrCat(".idempotency = ::weft::rpc::Idempotency::", name));
  }
  if (policy.has_default_timeout()) {
    initializers.push_back(
        absl::StrCat(".default_timeout = ", DurationExpression(policy.default_timeout())));
  }
  if (const char* name = CriticalityName(policy)) {
    initializers.push_back(absl::StrCat(".criticality = ::weft::rpc::Criticality::", name));
  }
  if (const char* name = RetryName(policy)) {
    initializers.push_back(absl::StrCat(".retry = ::weft::rpc::Retry::", name));
  }
  if (policy.required_scopes_size() > 0) {
    // In need of no escapes: CheckOptions() lets no such characters through.
    initializers.push_back(
        absl::StrCat(".required_scopes = \"", absl::StrJoin(policy.required_scopes(), " "), "\""));
  }
  if (policy.public_()) initializers.push_back(".is_public = true");
  return initializers;
}

}  // namespace weft::rpc::codegen
