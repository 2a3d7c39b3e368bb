"""The calls that services make: whether what they depend on answers, and at what price."""

from deploy.dashboards import variables
from deploy.dashboards.panels import Query, dashboard, graph, quantiles, row

_TARGET = "{{grpc_target}} {{grpc_method}}"
_EACH = "sum by (grpc_target, grpc_method)"
_ATTEMPTS = "grpc_client_attempt_duration_seconds_count{@method}"
_CALLS = "grpc_client_call_duration_seconds_count{@method}"

DASHBOARD = dashboard(
    "weft-dependencies", "Weft dependencies",
    "What the chosen services ask of others, by target and method. Pods and services are those of "
    "the caller.",
    variables.of_calls("grpc_client_attempt_started_total"),
    row("Calls, as their callers see them",
        graph("Calls per second",
              "Calls that have ended, however many attempts each took. A sudden change is this "
              "service's own: look at what it is asked.", "reqps",
              Query(f"{_EACH} (rate({_CALLS}[@]))", _TARGET)),
        graph("Failed calls per second, by status",
              "Retries did not help. Nothing drawn means that no call has failed. Go on at the "
              "dashboard of the service that is the target.", "reqps",
              Query("sum by (grpc_target, grpc_status) ("
                    "rate(grpc_client_call_duration_seconds_count"
                    '{@method,grpc_status!="OK"}[@]))', "{{grpc_target}} {{grpc_status}}"),
              spans="status = error"),
        graph("Call latency",
              "What this service waits for a dependency, retries included, at p50 and p99. Compare "
              "with the target's own latency: what is more was lost on the way, or in a queue "
              "before it.", "s",
              *quantiles("grpc_client_call_duration_seconds", "@method", "grpc_target",
                         "grpc_method"))),
    row("Attempts: what goes over the wire",
        graph("Attempts per second",
              "Attempts begun, by target and method. A retried or hedged call has several.",
              "reqps",
              Query(f"{_EACH} (rate(grpc_client_attempt_started_total{{@method}}[@]))", _TARGET)),
        graph("Failed attempts per second, by status",
              "Attempts that ended with a status other than OK. Many here and few failed calls: "
              "retries hide a target that is failing.", "reqps",
              Query("sum by (grpc_target, grpc_status) (rate("
                    'grpc_client_attempt_duration_seconds_count{@method,grpc_status!="OK"}[@]))',
                    "{{grpc_target}} {{grpc_status}}"), spans="status = error"),
        graph("Attempts per call",
              "1 means that nothing is retried. Above it, a dependency is failing and retries hide "
              "it, at the price of more load on it. Their budget keeps it near 1.1.", "short",
              Query(f"{_EACH} (rate({_ATTEMPTS}[@])) / {_EACH} (rate({_CALLS}[@]))", _TARGET)),
        graph("Attempt latency",
              "One attempt alone, at p50 and p99. Calls much slower than attempts are calls that "
              "are retried.", "s",
              *quantiles("grpc_client_attempt_duration_seconds", "@method", "grpc_target",
                         "grpc_method"), width=12),
        graph("Message bytes per second, by target",
              "Payload, without framing and headers. A target whose replies grow needs pages or "
              "streams.", "Bps",
              Query("sum by (grpc_target) (rate("
                    "grpc_client_attempt_sent_total_compressed_message_size_bytes_sum"
                    "{@method}[@]))", "{{grpc_target}} sent"),
              Query("sum by (grpc_target) (rate("
                    "grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum"
                    "{@method}[@]))", "{{grpc_target}} received"), width=12)),
    row("Calls that are sent again",
        graph("Retries per second",
              "Attempts made after one that failed. Their rate beside that of the calls is what "
              "this service adds to a target's trouble.", "reqps",
              Query(f"{_EACH} (rate(weft_client_retries_total{{@method}}[@]))", _TARGET)),
        graph("Hedges per second",
              "Attempts made beside a first one that took long; for methods with retry: HEDGE "
              "only. Many: the target's latency has changed.", "reqps",
              Query(f"{_EACH} (rate(weft_client_hedges_total{{@method}}[@]))", _TARGET)),
        graph("Retry budget",
              "What is left of it, and what was not sent again per second because it was used up. "
              "At a half or less nothing is sent again: the target fails too often.",
              "percentunit",
              Query("min by (grpc_target) (weft_client_retry_budget_ratio{@pod})",
                    "{{grpc_target}} left"),
              Query("sum by (grpc_target) "
                    "(rate(weft_client_retry_budget_exhausted_total{@pod}[@]))",
                    "{{grpc_target}} not sent again"), limit=0.5)),
)
