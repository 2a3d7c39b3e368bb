"""Overload: the calls that are turned away or given up, and the work that is wasted."""

from deploy.dashboards import variables
from deploy.dashboards.panels import Query, dashboard, graph, row

DASHBOARD = dashboard(
    "weft-overload", "Weft overload",
    "What happens when more is asked than can be done: admission, limits of clients and "
    "connections, calls that are given up.",
    variables.of_calls(),
    row("Admission: the calls that are turned away",
        graph("Turned away per second, by reason",
              "delay: the shards lack CPU, so add pods. limit: what handlers wait for is slow, so "
              "look at Weft dependencies. deadline: the caller would not have waited.", "ops",
              Query("sum by (criticality, reason) (rate(weft_admission_shed_total{@pod}[@]))",
                    "{{criticality}}: {{reason}}")),
        graph("Part of the calls that is turned away",
              "WeftCallsShed fires above 1 %: the service has less than its load needs. The panel "
              "beside tells of what.", "percentunit",
              Query("sum by (pod) (rate(weft_admission_shed_total{@pod}[@])) / "
                    "sum by (pod) (rate(grpc_server_call_started_total{@pod}[@]))", "{{pod}}"),
              limit=0.01),
        graph("Overloaded shards, and calls that wait for a place",
              "A shard is overloaded while calls wait for it longer than the target delay all the "
              "time. One alone of several: see Weft runtime for what holds it.", "short",
              Query("sum by (pod) (weft_admission_overloaded{@pod})", "{{pod}} overloaded shards"),
              Query("sum by (pod) (weft_admission_queued{@pod})", "{{pod}} waiting calls")),
        graph("Calls in flight and their limit",
              "Unary calls, of all shards. The limit follows latency; far above what is in flight "
              "it does nothing. In flight at the limit: calls wait or are turned away.", "short",
              Query("sum by (pod) (weft_admission_in_flight{@pod})", "{{pod}} in flight"),
              Query("sum by (pod) (weft_admission_limit{@pod})", "{{pod}} limit"), width=24)),
    row("Calls that are given up",
        graph("Calls given up per second, by cause",
              "Cancelled or overdue before their handler returned, whatever status they ended "
              "with. Many deadlines: the service is slower than its callers' patience.", "ops",
              Query("sum by (cause) (rate(weft_calls_cancelled_total{@method}[@]))", "{{cause}}"),
              width=12),
        graph("Work for calls that nobody waits for",
              "Handlers that went on after their call was cancelled or overdue: seconds of them in "
              "each second. Such a handler should park more often, or check for its cancellation.",
              "short",
              Query("sum by (grpc_method) (rate(weft_wasted_call_seconds_total{@method}[@]))",
                    "{{grpc_method}}"), width=12)),
    row("Clients and their connections",
        graph("Calls refused because their client makes too many",
              "Per second; only with admission.client_calls_per_second. Talk to the client, or "
              "raise its share.", "ops",
              Query("sum by (pod) (rate(weft_client_rate_limited_total{@pod}[@]))", "{{pod}}"),
              width=6),
        graph("Clients whose rate is counted",
              "Those that have called within the time that their tokens take to come back. Far "
              "more than you know of: many addresses, or one that changes.", "short",
              Query("sum by (pod) (weft_client_rate_limit_clients{@pod})", "{{pod}}"), width=6),
        graph("Connections",
              "Of clients. Near grpc.max_connections the next is refused; one pod far above the "
              "others has most of the calls: set grpc.max_connection_age.", "short",
              Query("sum by (pod) (weft_connections_open{@pod})", "{{pod}}"), width=6),
        graph("Connections accepted and refused per second",
              "Refused are those above grpc.max_connections. Many accepted: clients connect for "
              "each call, or a network drops them.", "ops",
              Query("sum by (pod) (rate(weft_connections_accepted_total{@pod}[@]))",
                    "{{pod}} accepted"),
              Query("sum by (pod) (rate(weft_connections_refused_total{@pod}[@]))",
                    "{{pod}} refused"), width=6),
        graph("Calls refused for want of a token or scope",
              "Per second; only where callers need tokens (auth.jwt.key_folder). UNAUTHENTICATED "
              "from everybody: a key was rotated too early, or a clock is wrong.", "ops",
              Query("sum by (grpc_status) (rate(weft_auth_rejected_calls_total{@pod}[@]))",
                    "{{grpc_status}}"), width=12),
        graph("Tokens",
              "Seen per second: verified, which costs CPU, and remembered from before; and times "
              "that the folder of keys could not be read, after which the keys before stay in use: "
              "look at the log.", "ops",
              Query("sum by (seen) (rate(weft_auth_tokens_total{@pod}[@]))", "{{seen}}"),
              Query("sum by (pod) (rate(weft_auth_key_reloads_failed_total{@pod}[@]))",
                    "{{pod}} reloads failed"), width=12)),
)
