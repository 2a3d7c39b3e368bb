"""All services side by side: which one needs a look, and what has changed."""

from deploy.dashboards import variables
from deploy.dashboards.panels import SERVERS_FAULT, Query, dashboard, graph, row, stat, table

_CALLS = "grpc_server_call_duration_seconds_count"
_EACH = "sum by (namespace, service)"
_RATIO = (f"({_EACH} (rate({_CALLS}{{@method,{SERVERS_FAULT}}}[@])) "
          f"or 0 * {_EACH} (rate({_CALLS}{{@method}}[@]))) "
          f"/ {_EACH} (rate({_CALLS}{{@method}}[@]))")
_P99 = ("histogram_quantile(0.99, sum by (namespace, service, le) "
        "(rate(grpc_server_call_duration_seconds_bucket{@method}[@])))")
_BUSY = "max by (namespace, service) (rate(weft_loop_busy_seconds_total{@pod}[@]))"
_SERVICE = "{{namespace}} {{service}}"

DASHBOARD = dashboard(
    "weft-fleet", "Weft fleet",
    "All services on Weft, side by side. A service's name in the table leads to its dashboard.",
    variables.of_calls(),
    row("Now",
        table("Services",
              "Every service with what its callers see and how full it is, as of now. Begin with "
              "the highest error ratio or burn rate, and follow its name to its dashboard.",
              Query(f"{_EACH} (rate(grpc_server_call_started_total{{@method}}[@]))",
                    "Calls per second", "reqps"),
              Query(_RATIO, "Error ratio", "percentunit"),
              Query(_P99, "p99", "s"),
              Query("max by (namespace, service) (slo:error_budget_burn:rate1h"
                    '{namespace=~"$namespace",service=~"$service"})', "Burn rate", "short"),
              Query("max by (namespace, service) (slo:error_budget_burn:rate1h"
                    '{namespace=~"$namespace",service=~"$service"})', "Burn rate", "short"),
              Query(_BUSY, "Busiest shard", "percentunit"),
              Query(f"{_EACH} (rate(process_cpu_seconds_total{{@pod}}[@]))", "CPUs", "short"),
              Query(f"{_EACH} (process_resident_memory_bytes{{@pod}})", "Memory", "bytes"),
              Query(f"{_EACH} (up{{@pod}})", "Pods up", "short"))),
    row("What callers see",
        graph("Calls per second",
              "Calls begun, by service, without gRPC's own services. A sudden drop to nothing is "
              "an incident of whoever calls it: look there.", "reqps",
              Query(f"{_EACH} (rate(grpc_server_call_started_total{{@method}}[@]))", _SERVICE)),
        graph("Error ratio",
              "The part of calls that ended with a status that is the server's fault by "
              "OpenTelemetry's RPC conventions. WeftErrorRatioHigh fires above 5 %. Where several "
              "services rise together, begin with the one that the others call.", "percentunit",
              Query(_RATIO, _SERVICE), limit=0.05, spans="status = error"),
        graph("p99 of calls",
              "Of all methods together; a service's dashboard has each method. Where several rise "
              "together, begin with the one that the others call.", "s",
              Query(_P99, _SERVICE))),
    row("How full they are",
        graph("Busiest shard",
              "The part of its time that the busiest shard of each service runs fibers. Near 100 % "
              "calls wait: add pods or CPU, or look at Weft runtime for one shard far above the "
              "others.", "percentunit",
              Query(_BUSY, _SERVICE)),
        graph("Loop lag, worst shard",
              "p99 of how long an event waits for its shard. WeftLoopLagHigh fires above 50 ms: "
              "see Weft runtime for who holds it.", "s",
              Query("max by (namespace, service) (histogram_quantile(0.99, "
                    "sum by (namespace, service, pod, shard, le) "
                    "(rate(weft_loop_lag_seconds_bucket{@pod}[@]))))", _SERVICE), limit=0.05),
        graph("Calls turned away",
              "The part of calls that admission refused. WeftCallsShed fires above 1 %: see Weft "
              "overload for the reason.", "percentunit",
              Query(f"{_EACH} (rate(weft_admission_shed_total{{@pod}}[@])) / "
                    f"{_EACH} (rate(grpc_server_call_started_total{{@pod}}[@]))", _SERVICE),
              limit=0.01),
        graph("CPU limit, worst pod",
              "The part of the quota's periods in which the pod that suffers most was stopped. "
              "WeftCpuThrottled fires above 25 %: raise the limit, or add pods.", "percentunit",
              Query("max by (namespace, service) ("
                    "rate(weft_cpu_throttled_periods_total{@pod}[@]) "
                    "/ clamp_min(rate(weft_cpu_periods_total{@pod}[@]), 1))", _SERVICE),
              width=12, limit=0.25),
        graph("Memory, fullest pod",
              "The working set against the limit. WeftMemoryNearLimit fires above 90 %; at the "
              "limit the kernel ends the pod: see Weft runtime for what grows.", "percentunit",
              Query("max by (namespace, service) "
                    "(weft_memory_usage_bytes{@pod} / weft_memory_limit_bytes{@pod})", _SERVICE),
              width=12, limit=0.9)),
    row("What has changed",
        stat("Pods, by version",
             "More than one version of a service is a rollout under way, or one that is stuck: "
             "kubectl rollout status tells which.", "short",
             Query("count by (namespace, service, version) (weft_build_info{@pod})",
                   _SERVICE + " {{version}}")),
        graph("Pods that answer",
              "Pods that Prometheus reaches, by service. A step down without a rollout is a crash "
              "or an eviction: kubectl get pods, and the log of the one that ended.", "short",
              Query(f"{_EACH} (up{{@pod}})", _SERVICE)),
        graph("Restarts within an hour",
              "How often a pod's process began anew while the pod stayed. Above zero: the log of "
              "the container before (kubectl logs --previous) has its last words.", "short",
              Query(f"{_EACH} (changes(process_start_time_seconds{{@pod}}[1h]))", _SERVICE))),
)
