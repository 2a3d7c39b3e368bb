#include "tests/load/load_generator.h"

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace weft::load {
namespace {

// More would not fit a process's descriptors, or its memory, on the machines this is meant for.
constexpr int kMaxConnections = 10'000;
constexpr int kMaxStreams = 1'000'000;

// Between looks at a channel that is still connecting.
constexpr absl::Duration kConnectPoll = absl::Milliseconds(20);

int64_t MonotonicNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

gpr_timespec ToGprTime(absl::Time time) {
  const timespec value = absl::ToTimespec(time);
  return {value.tv_sec, static_cast<int32_t>(value.tv_nsec), GPR_CLOCK_REALTIME};
}

// gRPC's monotonic clock is not CLOCK_MONOTONIC's value, so a time is carried over by its distance.
gpr_timespec ToMonotonicDeadline(int64_t monotonic_nanoseconds) {
  const int64_t left = monotonic_nanoseconds - MonotonicNanoseconds();
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left, GPR_TIMESPAN));
}

grpc_channel* MakeChannel(const std::string& address, bool deadlines) {
  // A subchannel pool of its own makes each channel a connection; the rest saves client time. In
  // the minimal stack nothing gives a call up at its deadline.
  std::array<std::pair<const char*, int>, 4> values = {{
      {GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1},
      {GRPC_ARG_MINIMAL_STACK, deadlines ? 0 : 1},
      {GRPC_ARG_ENABLE_RETRIES, 0},
      {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1},
  }};
  std::array<grpc_arg, 4> arguments;
  for (size_t i = 0; i < values.size(); ++i) {
    arguments[i].type = GRPC_ARG_INTEGER;
    arguments[i].key = const_cast<char*>(values[i].first);
    arguments[i].value.integer = values[i].second;
  }
  const grpc_channel_args channel_arguments = {arguments.size(), arguments.data()};
  grpc_channel_credentials* credentials = grpc_insecure_credentials_create();
  grpc_channel* channel = grpc_channel_create(address.c_str(), credentials, &channel_arguments);
  grpc_channel_credentials_release(credentials);
  return channel;
}

}  // namespace

struct LoadGenerator::Connection {
  Connection(const std::string& address, const std::string& path, bool deadlines)
      : channel(MakeChannel(address, deadlines)),
        method(grpc_channel_register_call(channel, path.c_str(), nullptr, nullptr)) {}
  ~Connection() { grpc_channel_destroy(channel); }

  grpc_channel* channel;
  void* method;
};

// One call at a time; a stream is its call's completion tag.
struct LoadGenerator::Stream {
  explicit Stream(Connection& connection) : connection(connection) {}

  Connection& connection;
  grpc_call* call = nullptr;
  int64_t start_nanoseconds = 0;
  grpc_metadata_array initial_metadata;
  grpc_metadata_array trailing_metadata;
  grpc_byte_buffer* reply = nullptr;
  grpc_status_code status = GRPC_STATUS_OK;
  grpc_slice status_details;
};

LoadGenerator::LoadGenerator(Workload workload) : workload_(std::move(workload)) {
  grpc_init();
  queue_ = grpc_completion_queue_create_for_next(nullptr);
  request_ = grpc_slice_from_copied_buffer(workload_.request.data(), workload_.request.size());
}

LoadGenerator::~LoadGenerator() {
  targets_.clear();
  grpc_completion_queue_shutdown(queue_);
  while (grpc_completion_queue_next(queue_, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr).type !=
         GRPC_QUEUE_SHUTDOWN) {
  }
  grpc_completion_queue_destroy(queue_);
  grpc_slice_unref(request_);
  grpc_shutdown();
}

absl::StatusOr<int> LoadGenerator::AddTarget(const std::string& address, const LoadShape& shape,
                                             absl::Duration connect_timeout) {
  if (shape.connections < 1 || shape.connections > kMaxConnections) {
    return absl::InvalidArgumentError(absl::StrCat("connections must be 1 to ", kMaxConnections));
  }
  if (shape.streams_per_connection < 1 ||
      shape.streams_per_connection > kMaxStreams / shape.connections) {
    return absl::InvalidArgumentError(
        absl::StrCat("streams must be 1 to ", kMaxStreams, " over all connections"));
  }
  auto target = std::make_unique<Target>();
  for (int i = 0; i < shape.connections; ++i) {
    target->connections.push_back(
        std::make_unique<Connection>(address, workload_.path, shape.deadlines));
  }
  // By rounds, so that a run of few requests touches every connection.
  for (int round = 0; round < shape.streams_per_connection; ++round) {
    for (const auto& connection : target->connections) {
      target->streams.push_back(std::make_unique<Stream>(*connection));
    }
  }
  absl::Status status = Connect(address, *target, absl::Now() + connect_timeout);
  if (status.ok()) status = Probe(*target);
  if (!status.ok()) return status;
  targets_.push_back(std::move(target));
  return target_count() - 1;
}

absl::Status LoadGenerator::Connect(const std::string& address, Target& target,
                                    absl::Time deadline) {
  for (const auto& connection : target.connections) {
    grpc_channel_check_connectivity_state(connection->channel, /*try_to_connect=*/1);
  }
  for (const auto& connection : target.connections) {
    while (true) {
      const grpc_connectivity_state state =
          grpc_channel_check_connectivity_state(connection->channel, /*try_to_connect=*/1);
      if (state == GRPC_CHANNEL_READY) break;
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
        return absl::UnavailableError(absl::StrCat("cannot connect to ", address));
      }
      if (absl::Now() >= deadline) {
        return absl::UnavailableError(absl::StrCat("no connection to ", address, " in time"));
      }
      // No tag is outstanding: this only lends the thread to gRPC, which connects meanwhile.
      grpc_completion_queue_next(queue_, ToGprTime(absl::Now() + kConnectPoll), nullptr);
    }
  }
  return absl::OkStatus();
}

absl::Status LoadGenerator::Probe(Target& target) {
  const LoadReport report = Run(target, 1, std::numeric_limits<int64_t>::max());
  for (int code = 1; code < kStatusCodes; ++code) {
    if (report.by_status[code] == 0) continue;
    return {static_cast<absl::StatusCode>(code),
            absl::StrCat(workload_.path, ": ", report.last_error)};
  }
  if (report.wrong_replies > 0) {
    return absl::InternalError(absl::StrCat(workload_.path, ": ", report.last_error));
  }
  return absl::OkStatus();
}

LoadReport LoadGenerator::RunFor(int target, absl::Duration duration) {
  return Run(*targets_.at(target), std::numeric_limits<int64_t>::max(),
             MonotonicNanoseconds() + absl::ToInt64Nanoseconds(duration));
}

LoadReport LoadGenerator::RunRequests(int target, int64_t requests) {
  return Run(*targets_.at(target), requests, std::numeric_limits<int64_t>::max());
}

LoadReport LoadGenerator::Run(Target& target, int64_t requests, int64_t end_nanoseconds) {
  LoadReport report;
  const int64_t start = MonotonicNanoseconds();
  int64_t now = start;
  int64_t started = 0;
  int64_t in_flight = 0;
  for (const auto& stream : target.streams) {
    if (started == requests) break;
    Start(*stream, MonotonicNanoseconds(), gpr_inf_future(GPR_CLOCK_REALTIME));
    ++started;
    ++in_flight;
  }
  while (in_flight > 0) {
    const grpc_event event =
        grpc_completion_queue_next(queue_, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
    if (event.type != GRPC_OP_COMPLETE) continue;
    Stream& stream = *static_cast<Stream*>(event.tag);
    now = MonotonicNanoseconds();
    End(stream, now, report);
    if (started < requests && now < end_nanoseconds) {
      Start(stream, now, gpr_inf_future(GPR_CLOCK_REALTIME));
      ++started;
    } else {
      --in_flight;
    }
  }
  report.elapsed = absl::Nanoseconds(now - start);
  return report;
}

LoadReport LoadGenerator::RunAtRate(int target_index, absl::Duration duration,
                                    double calls_per_second, absl::Duration timeout) {
  Target& target = *targets_.at(target_index);
  std::deque<Stream*> idle;
  for (const auto& stream : target.streams) idle.push_back(stream.get());
  LoadReport report;
  const int64_t start = MonotonicNanoseconds();
  const int64_t end = start + absl::ToInt64Nanoseconds(duration);
  const double spacing = 1e9 / calls_per_second;
  int64_t arrivals = 0;
  const auto next = [&] { return start + static_cast<int64_t>(spacing * arrivals); };
  while (next() < end || idle.size() < target.streams.size()) {
    for (const int64_t now = MonotonicNanoseconds(); next() < end && next() <= now; ++arrivals) {
      if (idle.empty()) {
        ++report.not_started;
        continue;
      }
      // Round and round, so that all connections are used.
      Stream* const stream = idle.front();
      idle.pop_front();
      Start(*stream, next(), ToMonotonicDeadline(next() + absl::ToInt64Nanoseconds(timeout)));
    }
    const gpr_timespec wake =
        next() < end ? ToMonotonicDeadline(next()) : gpr_inf_future(GPR_CLOCK_MONOTONIC);
    const grpc_event event = grpc_completion_queue_next(queue_, wake, nullptr);
    if (event.type != GRPC_OP_COMPLETE) continue;
    Stream* const stream = static_cast<Stream*>(event.tag);
    End(*stream, MonotonicNanoseconds(), report);
    idle.push_back(stream);
  }
  report.elapsed = absl::Nanoseconds(MonotonicNanoseconds() - start);
  return report;
}

void LoadGenerator::Start(Stream& stream, int64_t now_nanoseconds, gpr_timespec deadline) {
  stream.start_nanoseconds = now_nanoseconds;
  stream.call = grpc_channel_create_registered_call(stream.connection.channel, nullptr, 0, queue_,
                                                    stream.connection.method, deadline, nullptr);
  grpc_metadata_array_init(&stream.initial_metadata);
  grpc_metadata_array_init(&stream.trailing_metadata);
  stream.reply = nullptr;
  // Sending empties a byte buffer (it is swapped out), so each call has its own of the one slice.
  grpc_byte_buffer* request = grpc_raw_byte_buffer_create(&request_, 1);

  std::array<grpc_op, 6> operations;
  std::memset(operations.data(), 0, sizeof(operations));
  operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
  operations[1].op = GRPC_OP_SEND_MESSAGE;
  operations[1].data.send_message.send_message = request;
  operations[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
  operations[3].op = GRPC_OP_RECV_INITIAL_METADATA;
  operations[3].data.recv_initial_metadata.recv_initial_metadata = &stream.initial_metadata;
  operations[4].op = GRPC_OP_RECV_MESSAGE;
  operations[4].data.recv_message.recv_message = &stream.reply;
  operations[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
  operations[5].data.recv_status_on_client.trailing_metadata = &stream.trailing_metadata;
  operations[5].data.recv_status_on_client.status = &stream.status;
  operations[5].data.recv_status_on_client.status_details = &stream.status_details;
  const grpc_call_error error =
      grpc_call_start_batch(stream.call, operations.data(), operations.size(), &stream, nullptr);
  if (error != GRPC_CALL_OK) {
    std::fprintf(stderr, "load_generator: gRPC refused a batch: %d\n", error);
    std::abort();
  }
  grpc_byte_buffer_destroy(request);
}

void LoadGenerator::End(Stream& stream, int64_t now_nanoseconds, LoadReport& report) {
  const int code = std::min<int>(stream.status, kStatusCodes - 1);
  ++report.requests;
  ++report.by_status[code];
  if (code != GRPC_STATUS_OK) {
    char* details = grpc_slice_to_c_string(stream.status_details);
    report.last_error = details;
    gpr_free(details);
  } else {
    report.latencies.Record(now_nanoseconds - stream.start_nanoseconds);
    const size_t reply_bytes = stream.reply == nullptr ? 0 : grpc_byte_buffer_length(stream.reply);
    if (workload_.reply_bytes.value_or(reply_bytes) != reply_bytes) {
      ++report.wrong_replies;
      report.last_error =
          absl::StrCat("a reply of ", reply_bytes, " bytes instead of ", *workload_.reply_bytes);
    }
  }
  grpc_slice_unref(stream.status_details);
  grpc_metadata_array_destroy(&stream.initial_metadata);
  grpc_metadata_array_destroy(&stream.trailing_metadata);
  if (stream.reply != nullptr) grpc_byte_buffer_destroy(stream.reply);
  grpc_call_unref(stream.call);
}

}  // namespace weft::load
