"""One service: what it answers, and what its processes use."""

from deploy.dashboards import variables
from deploy.dashboards.panels import SERVERS_FAULT, Query, dashboard, graph, quantiles, row, stat

_CALLS = "grpc_server_call_duration_seconds_count"
_BYTES = "total_compressed_message_size_bytes_sum"

DASHBOARD = dashboard(
    "weft-service", "Weft service",
    "What a service on Weft answers, and what its processes use. The other dashboards go deeper: "
    "shards and fibers, dependencies, overload.",
    variables.of_calls(),
    row("Golden signals: the calls this service answers",
        graph("Calls per second",
              "Calls begun, by method. gRPC's own health and reflection services are left out here "
              "and below. A sudden change is the callers': ask who they are before tuning.",
              "reqps",
              Query("sum by (grpc_method) (rate(grpc_server_call_started_total{@method}[@]))",
                    "{{grpc_method}}")),
        graph("Errors per second, by status",
              "Calls that ended with a status other than OK. Nothing drawn means that no call has "
              "failed. Its runbook, docs/runbooks/WeftErrorRatioHigh.md, says what each status "
              "usually means.", "reqps",
              Query(f'sum by (grpc_status) (rate({_CALLS}{{@method,grpc_status!="OK"}}[@]))',
                    "{{grpc_status}}"), spans="status = error"),
        graph("Error ratio",
              "The part of calls that ended with a status that is the server's fault by "
              "OpenTelemetry's RPC conventions. WeftErrorRatioHigh fires above 5 %. Look whether "
              "it began with a version or with a dependency.", "percentunit",
              Query(f"(sum(rate({_CALLS}{{@method,{SERVERS_FAULT}}}[@])) or vector(0)) "
                    f"/ sum(rate({_CALLS}{{@method}}[@]))", "errors"),
              limit=0.05, spans="status = error"),
        graph("Latency",
              "Time from a call's arrival to its status, at p50 and p99. WeftLatencyHigh fires "
              "when p99 stays above 500 ms. Follow a slow method to its traces; where its "
              "dependencies are not slow, Weft runtime tells whether its shard is.", "s",
              *quantiles("grpc_server_call_duration_seconds", "@method", "grpc_method"),
              width=12, limit=0.5),
        graph("Calls in flight",
              "Calls begun and not ended. Rising at a steady rate of calls means that each takes "
              "longer: /debug/fibers shows what they wait for.", "short",
              Query("sum by (grpc_method) (grpc_server_call_started_total{@method}) - "
                    f"sum by (grpc_method) ({_CALLS}{{@method}})", "{{grpc_method}}"), width=12),
        graph("Message bytes per second",
              "Payload, without framing and headers. Calls that take longer while this rises carry "
              "larger messages: page them, or stream.", "Bps",
              Query(f"sum(rate(grpc_server_call_rcvd_{_BYTES}{{@method}}[@]))",
                    "requests received"),
              Query(f"sum(rate(grpc_server_call_sent_{_BYTES}{{@method}}[@]))", "replies sent"),
              Query(f"sum(rate(grpc_client_attempt_sent_{_BYTES}{{@pod}}[@]))",
                    "requests sent to others"),
              Query(f"sum(rate(grpc_client_attempt_rcvd_{_BYTES}{{@pod}}[@]))",
                    "replies from others"), width=24)),
    row("Objectives: what callers are promised",
        graph("Burn rate of the error budgets",
              "Over an hour: how many times faster than promised calls fail or are slow. 1 would "
              "last a month. WeftSloBurnsFast fires above 14.4; its runbook says where to look. "
              "Nothing drawn: the .proto of the service has no option (weft.slo).", "short",
              Query("max by (slo, objective) (slo:error_budget_burn:rate1h"
                    '{namespace=~"$namespace",service=~"$service"})', "{{slo}} {{objective}}"),
              width=12, limit=14.4),
        graph("Burn of the error budgets over days",
              "The same over a day and over three. WeftSloBurnsSlowly fires when three days are "
              "above 1: the budget will not last the month, so plan time for its cause.", "short",
              Query("max by (slo, objective) (slo:error_budget_burn:rate1d"
                    '{namespace=~"$namespace",service=~"$service"})',
                    "{{slo}} {{objective}}, 1 day"),
              Query("max by (slo, objective) (slo:error_budget_burn:rate3d"
                    '{namespace=~"$namespace",service=~"$service"})',
                    "{{slo}} {{objective}}, 3 days"), width=12, limit=1)),
    row("Process",
        graph("CPU",
              "CPUs used by each pod. Near its limit, the pod is throttled and its shards lag: add "
              "pods, or raise the limit.", "short",
              Query("sum by (pod) (rate(process_cpu_seconds_total{@pod}[@]))", "{{pod}}")),
        graph("Memory",
              "Resident memory counts against the pod's limit. Virtual memory is mostly fiber "
              "stacks that were never touched. If it grows as fibers do (Weft runtime), they leak.",
              "bytes",
              Query("sum by (pod) (process_resident_memory_bytes{@pod})", "{{pod}} resident"),
              Query("sum by (pod) (process_virtual_memory_bytes{@pod})", "{{pod}} virtual")),
        graph("File descriptors",
              "Open against the limit. WeftFileDescriptorsNearLimit fires above 80 %. Connections "
              "take two each (Weft overload): raise the limit, or lower grpc.max_connections.",
              "short",
              Query("sum by (pod) (process_open_fds{@pod})", "{{pod}} open"),
              Query("sum by (pod) (process_max_fds{@pod})", "{{pod}} limit")),
        stat("Up for",
             "Since the process started. A small number beside large ones is a pod that was "
             "restarted: kubectl logs --previous has its last words.", "s",
             Query("time() - max by (pod) (process_start_time_seconds{@pod})", "{{pod}}"),
             width=12),
        stat("Pods, by version",
             "More than one version is a rollout under way, or one that is stuck: kubectl rollout "
             "status tells which.", "short",
             Query("count by (version) (weft_build_info{@pod})", "{{version}}"), width=12),
        graph("Threads of the process",
              "Shards, pools, and those of libraries. Pools grow with blocking work: Weft runtime "
              "has each.", "short",
              Query("sum by (pod) (process_threads{@pod})", "{{pod}}"), width=12),
        graph("Telemetry's own troubles, per minute",
              "Log lines dropped because the writer was behind, or left out because one statement "
              "of the code wrote too many; spans that could not be exported, and the like. Above "
              "zero, what you see elsewhere has holes: log less, or look at the collector.",
              "short",
              Query("60 * sum by (pod) (rate(weft_log_dropped_total{@pod}[@]))",
                    "{{pod}} log lines dropped"),
              Query("60 * sum by (pod) (rate(weft_log_repeats_left_out_total{@pod}[@]))",
                    "{{pod}} repeated log lines left out"),
              Query("60 * sum by (pod) (rate(weft_telemetry_errors_total{@pod}[@]))",
                    "{{pod}} errors"), width=12),
        graph("Spans",
              "Ended per second, by what became of them, and how many wait for their export. "
              "failed: the collector refuses or does not answer. dropped: more than it takes; "
              "lower tracing.sample_ratio.", "short",
              Query("sum by (outcome) (rate(weft_spans_total{@pod}[@]))", "{{outcome}}"),
              Query("sum by (pod) (weft_spans_waiting{@pod})", "{{pod}} waiting"), width=12)),
)
