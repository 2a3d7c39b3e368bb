// A load generator with a command line; `load_client --helpshort` lists the flags.
//
// One run, and its report as one line of JSON:
//
//   load_client --target=127.0.0.1:4000 --connections=10 --streams=10 --duration=5s
//
// Or a long-lived process that a benchmark drives, with all connections kept open between runs:
//
//   load_client --target=127.0.0.1:4000,127.0.0.1:4001 --connections=10 --streams=10 --commands
//
// It prints {"ready":true,"targets":2} once connected, then reads commands, one a line, and answers
// each with one line of JSON, a report or {"error":"..."}:
//
//   run <target-index> <milliseconds>     calls for that long, then waits for those in flight
//   requests <target-index> <count>       makes that many calls
//   rate <target-index> <milliseconds> <calls-per-second> <timeout-milliseconds>
//                                         an open loop: calls at that rate, each with a deadline
//   quit                                  as does the end of its input
//
// Ends with status 1 and one line on stderr when a target cannot be reached or does not serve the
// method, or when a flag makes no sense.
#include <grpc/grpc.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "tests/load/load_generator.h"
#include "tests/load/workload.h"

ABSL_FLAG(std::vector<std::string>, target, {}, "HOST:PORT of each server, with commas between.");
ABSL_FLAG(int, connections, 1, "TCP connections to each target.");
ABSL_FLAG(int, streams, 1, "Calls in flight on each connection.");
ABSL_FLAG(std::string, method, "say", "say, sleep, or a unary method as /package.Service/Method.");
ABSL_FLAG(int64_t, payload_bytes, 32, "Payload of say.");
ABSL_FLAG(int64_t, sleep_ms, 1000, "How long the server waits in sleep.");
ABSL_FLAG(std::string, request_file, "", "Serialized request of a method given by its path.");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(1), "Length of the run.");
ABSL_FLAG(int64_t, requests, 0, "Calls to make, instead of --duration.");
ABSL_FLAG(absl::Duration, warmup, absl::ZeroDuration(), "Calls for that long before the run.");
ABSL_FLAG(bool, deadlines, false, "Give calls up at their deadline; for the command rate.");
ABSL_FLAG(bool, commands, false, "Read commands from stdin instead of making one run.");

namespace weft::load {
namespace {

// Text that comes from peers, made safe inside a JSON string.
std::string JsonString(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&result, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      absl::StrAppend(&result, absl::StrFormat("\\u%04x", static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string ToJson(const LoadReport& report) {
  std::string errors;
  for (int code = 1; code < kStatusCodes; ++code) {
    if (report.by_status[code] == 0) continue;
    absl::StrAppend(&errors, errors.empty() ? "" : ",", "\"",
                    absl::StatusCodeToString(static_cast<absl::StatusCode>(code)),
                    "\":", report.by_status[code]);
  }
  if (report.wrong_replies > 0) {
    absl::StrAppend(&errors, errors.empty() ? "" : ",", "\"wrong_reply\":", report.wrong_replies);
  }
  const auto microseconds = [&report](double fraction) {
    return absl::ToDoubleMicroseconds(report.latencies.Percentile(fraction));
  };
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  return absl::StrFormat(
      "{\"requests\":%d,\"errors\":{%s},\"last_error\":%s,\"seconds\":%.6f,"
      "\"requests_per_s\":%.1f,\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,"
      "\"max_us\":%.3f,\"not_started\":%d}",
      report.requests, errors, JsonString(report.last_error), seconds,
      seconds > 0 ? static_cast<double>(report.requests) / seconds : 0.0, microseconds(0.5),
      microseconds(0.9), microseconds(0.99), microseconds(0.999),
      absl::ToDoubleMicroseconds(report.latencies.max()), report.not_started);
}

void PrintLine(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

constexpr char kCommandHelp[] =
    "{\"error\":\"a command is: run TARGET MILLISECONDS, requests TARGET COUNT, rate TARGET "
    "MILLISECONDS CALLS_PER_SECOND TIMEOUT_MILLISECONDS, or quit\"}";

std::string Answer(LoadGenerator& generator, const std::string& command) {
  const std::vector<std::string> words = absl::StrSplit(command, ' ', absl::SkipEmpty());
  std::vector<int64_t> numbers;
  for (size_t i = 1; i < words.size(); ++i) {
    if (!absl::SimpleAtoi(words[i], &numbers.emplace_back())) return kCommandHelp;
  }
  const bool rate = !words.empty() && words[0] == "rate" && numbers.size() == 4;
  const bool run = !words.empty() && words[0] == "run" && numbers.size() == 2;
  const bool requests = !words.empty() && words[0] == "requests" && numbers.size() == 2;
  if (!rate && !run && !requests) return kCommandHelp;
  if (numbers[0] < 0 || numbers[0] >= generator.target_count()) {
    return absl::StrFormat("{\"error\":\"no target %d: there are %d\"}", numbers[0],
                           generator.target_count());
  }
  const int target = static_cast<int>(numbers[0]);
  if (*std::min_element(numbers.begin() + 1, numbers.end()) <= 0) {
    return "{\"error\":\"all numbers but the target must be above 0\"}";
  }
  if (requests) return ToJson(generator.RunRequests(target, numbers[1]));
  const absl::Duration duration = absl::Milliseconds(numbers[1]);
  if (run) return ToJson(generator.RunFor(target, duration));
  return ToJson(generator.RunAtRate(target, duration, static_cast<double>(numbers[2]),
                                    absl::Milliseconds(numbers[3])));
}

void ServeCommands(LoadGenerator& generator) {
  PrintLine(absl::StrFormat("{\"ready\":true,\"targets\":%d}", generator.target_count()));
  std::string command;
  while (std::getline(std::cin, command) && command != "quit") {
    if (!command.empty()) PrintLine(Answer(generator, command));
  }
}

void RunOnce(LoadGenerator& generator) {
  const absl::Duration warmup = absl::GetFlag(FLAGS_warmup);
  if (warmup > absl::ZeroDuration()) generator.RunFor(0, warmup);
  const int64_t requests = absl::GetFlag(FLAGS_requests);
  PrintLine(ToJson(requests > 0 ? generator.RunRequests(0, requests)
                                : generator.RunFor(0, absl::GetFlag(FLAGS_duration))));
}

absl::Status Main() {
  const std::vector<std::string> targets = absl::GetFlag(FLAGS_target);
  const bool commands = absl::GetFlag(FLAGS_commands);
  if (targets.empty()) return absl::InvalidArgumentError("--target=HOST:PORT is missing");
  if (!commands && targets.size() > 1) {
    return absl::InvalidArgumentError("more than one --target needs --commands");
  }
  absl::StatusOr<Workload> workload = MakeWorkload(
      absl::GetFlag(FLAGS_method), {.payload_bytes = absl::GetFlag(FLAGS_payload_bytes),
                                    .sleep_ms = absl::GetFlag(FLAGS_sleep_ms),
                                    .request_file = absl::GetFlag(FLAGS_request_file)});
  if (!workload.ok()) return workload.status();
  LoadGenerator generator(*std::move(workload));
  for (const std::string& target : targets) {
    const absl::StatusOr<int> index =
        generator.AddTarget(target, {.connections = absl::GetFlag(FLAGS_connections),
                                     .streams_per_connection = absl::GetFlag(FLAGS_streams),
                                     .deadlines = absl::GetFlag(FLAGS_deadlines)});
    if (!index.ok()) {
      return {index.status().code(), absl::StrCat(target, ": ", index.status().message())};
    }
  }
  commands ? ServeCommands(generator) : RunOnce(generator);
  return absl::OkStatus();
}

}  // namespace
}  // namespace weft::load

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Makes gRPC calls in closed loops and reports their latencies.");
  absl::ParseCommandLine(argc, argv);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const absl::Status status = weft::load::Main();
  if (!status.ok()) {
    std::fprintf(stderr, "load_client: %s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
