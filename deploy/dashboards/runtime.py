"""Shards and fibers: whether code holds a shard up, leaks fibers or wants threads."""

from deploy.dashboards import variables
from deploy.dashboards.panels import Query, dashboard, graph, quantiles, row

_SHARD = "{{pod}} shard {{shard}}"
_EACH = "sum by (pod, shard)"

DASHBOARD = dashboard(
    "weft-runtime", "Weft runtime",
    "Shards, fibers, stacks and pools of threads. Look here when calls are slow and no dependency "
    "is.",
    variables.of_pods(),
    row("Shards",
        graph("Loop lag p99, per shard",
              "Time from one poll's return to the next: how long an event that has just become "
              "ready waits. WeftLoopLagHigh fires above 50 ms. With a long run beside it, one "
              "fiber is at fault; without, there is too much work for one CPU.", "s",
              Query("histogram_quantile(0.99, sum by (pod, shard, le) "
                    "(rate(weft_loop_lag_seconds_bucket{@pod}[@])))", _SHARD), limit=0.05),
        graph("Longest run without a park, per shard",
              "The longest that one fiber held its shard in the last minute or two: everything "
              "else on the shard waited that long. Long work belongs in Blocking() or Compute().",
              "s",
              Query("max by (pod, shard) (weft_longest_run_seconds{@pod})", _SHARD)),
        graph("Busy ratio, per shard",
              "The part of its time that a shard runs fibers rather than waits. At 100 % the shard "
              "is full: add pods or CPU. One far above the others has a connection with too many "
              "of the calls.", "percentunit",
              Query(f"{_EACH} (rate(weft_loop_busy_seconds_total{{@pod}}[@]))", _SHARD)),
        graph("Stalls and deadlocks per minute",
              "Stalls are runs longer than the stall threshold (25 ms by default): one fiber, or "
              "the loop, held up all others of its shard. computes and blocks are the code's "
              "fault, and the log has its stack; no_cpu means that the thread was preempted or "
              "throttled. A deadlock is a ring of fibers that wait for each other's locks: restart "
              "the pod, then mend the order of the locks.", "short",
              Query("60 * sum by (pod, cause) (rate(weft_stalls_total{@pod}[@]))",
                    "{{pod}} {{cause}}"),
              Query("60 * sum by (pod) (rate(weft_deadlocks_total{@pod}[@]))", "{{pod}} deadlock")),
        graph("Length of stalls, p99",
              "Runs longer than the stall threshold; other calls of the shard wait as long. The "
              "log has each one's stack.", "s",
              Query("histogram_quantile(0.99, sum by (pod, shard, le) "
                    "(rate(weft_stall_seconds_bucket{@pod}[@])))", _SHARD)),
        graph("Run queue, per shard",
              "Fibers that are ready and wait for their turn. Long all the time: the shard has "
              "more work than one CPU.", "short",
              Query(f"{_EACH} (weft_run_queue_length{{@pod}})", _SHARD)),
        graph("Loop iterations per second, per shard",
              "How often a shard goes back to its poller. Few, with a busy shard: runs are long.",
              "ops",
              Query(f"{_EACH} (rate(weft_loop_iterations_total{{@pod}}[@]))", _SHARD)),
        graph("Events per iteration, per shard",
              "How many completions one poll gathers. It rises with load: that is batching at "
              "work, and nothing to mend.", "short",
              Query(f"{_EACH} (rate(weft_poll_events_total{{@pod}}[@])) / "
                    f"{_EACH} (rate(weft_loop_iterations_total{{@pod}}[@]))", _SHARD)),
        graph("Timers that are armed, per shard",
              "Deadlines of fibers that wait, sleeps, tickers. Growing with the fibers: they wait "
              "for what does not come.", "short",
              Query(f"{_EACH} (weft_timers{{@pod}})", _SHARD))),
    row("Fibers",
        graph("Fibers, by state",
              "running and ready want the CPU; parked wait for an event; idle have no task and "
              "wait in the pool. WeftFibersGrowing watches all but the idle; when they only grow, "
              "/debug/fibers?view=stacks shows where they are parked.", "short",
              Query("sum by (state) (weft_fibers{@pod})", "{{state}}")),
        graph("Fibers spawned and finished per second",
              "The two lie on each other, or fibers pile up: then see the panel beside.", "ops",
              Query("sum(rate(weft_fibers_spawned_total{@pod}[@]))", "spawned"),
              Query("sum(rate(weft_fibers_finished_total{@pod}[@]))", "finished")),
        graph("Scopes cancelled per second, by cause",
              "Inside calls too: a task group whose child failed, the losers of a race, an inner "
              "deadline. Many deadlines: an inner one is too short, or what it bounds is slow.",
              "ops",
              Query("sum by (cause) (rate(weft_scopes_cancelled_total{@pod}[@]))", "{{cause}}")),
        graph("Deepest use of a stack, by size",
              "How much of a stack the deepest call since the start has used, as far as sampling "
              "saw it. Near 100 % the next deeper one ends the process: raise fibers.stack_bytes, "
              "or give such calls a larger stack by fibers.call_stacks.", "percentunit",
              Query("max by (pod, size) (weft_stack_high_water_bytes{@pod}) / "
                    "max by (pod, size) (weft_stack_bytes{@pod})", "{{pod}} {{size}}"), width=12),
        graph("Stacks, by size",
              "Stacks of fibers, idle ones included. Idle ones are given back down to a bound a "
              "shard; the most at once is what memory must be enough for.", "short",
              Query("sum by (pod, size) (weft_stacks{@pod})", "{{pod}} {{size}}"), width=12)),
    row("Pools of threads: work that would hold up a shard",
        graph("Threads",
              "Busy threads of a pool, those that there are, and as many as it may have. All busy "
              "for long: the next job waits, so give the pool more, or the work less.", "short",
              Query("sum by (pool) (weft_blocking_busy_threads{@pod})", "{{pool}} busy"),
              Query("sum by (pool) (weft_blocking_threads_max{@pod})", "{{pool}} at most"),
              Query("sum by (pool) (weft_blocking_threads{@pod})", "{{pool}} now"), width=6),
        graph("Queue",
              "Jobs that wait for a thread. Never empty: the pool is too small for its work.",
              "short",
              Query("sum by (pod, pool) (weft_blocking_queue_length{@pod})", "{{pod}} {{pool}}"),
              width=6),
        graph("Wait for a thread",
              "From submission to the first instruction, at p50 and p99. It is part of the calls' "
              "latency: more threads shorten it, unless what they wait for is slow.", "s",
              *quantiles("weft_blocking_queue_wait_seconds", "@pod", "pool"), width=6),
        graph("Rejected per second",
              "Jobs turned away because the queue was full, and those that were cancelled or "
              "overdue before a thread took them. WeftBlockingPoolRejects fires on rejections that "
              "last 5 minutes; its runbook says how to size a pool.", "ops",
              Query("sum by (pod, pool) (rate(weft_blocking_rejected_total{@pod}[@]))",
                    "{{pod}} {{pool}} rejected"),
              Query("sum by (pod, pool) (rate(weft_blocking_given_up_total{@pod}[@]))",
                    "{{pod}} {{pool}} given up"), width=6)),
    row("What the container may have",
        graph("The CPU of each shard",
              "own code: CPU time of the shard's thread. no CPU: time in which it could have run "
              "and had none, since others had it or the quota was used up. That part of a loop's "
              "lag is not the code's fault.", "percentunit",
              Query(f"{_EACH} (rate(weft_loop_cpu_seconds_total{{@pod}}[@]))",
                    _SHARD + " own code"),
              Query(f"{_EACH} (rate(weft_loop_cpu_wait_seconds_total{{@pod}}[@]))",
                    _SHARD + " no CPU")),
        graph("CPU against its quota",
              "CPUs in use, and those that the process may use. Near the quota it is throttled: "
              "raise the limit, or add pods.", "short",
              Query("sum by (pod) (rate(process_cpu_seconds_total{@pod}[@]))", "{{pod}} used"),
              Query("sum by (pod) (weft_cpu_quota_cores{@pod})", "{{pod}} quota")),
        graph("Throttling",
              "The part of the quota's periods in which the container was stopped, and seconds of "
              "it in each second, summed over CPUs. Latency suffers at once. WeftCpuThrottled "
              "fires above a quarter of the periods: raise the CPU limit.", "percentunit",
              Query("sum by (pod) (rate(weft_cpu_throttled_periods_total{@pod}[@])) / clamp_min("
                    "sum by (pod) (rate(weft_cpu_periods_total{@pod}[@])), 1)",
                    "{{pod}} periods"),
              Query("sum by (pod) (rate(weft_cpu_throttled_seconds_total{@pod}[@]))",
                    "{{pod}} seconds"), limit=0.25),
        graph("Memory against its limit",
              "The working set, which Kubernetes compares with the limit. WeftMemoryNearLimit "
              "fires above 90 %. At the limit the kernel ends the container: raise it, or look for "
              "what grows.", "bytes",
              Query("sum by (pod) (weft_memory_usage_bytes{@pod})", "{{pod}} used"),
              Query("sum by (pod) (weft_memory_limit_bytes{@pod})", "{{pod}} limit"), width=12),
        graph("Drain",
              "How long a pod that was told to end has been at it, and within what it must be "
              "done; then it is ended with calls in flight. WeftDrainOverrun fires at half of the "
              "limit: the pod's log names the calls that last so long.", "s",
              Query("max by (pod) (weft_drain_seconds{@pod})", "{{pod}} drains for"),
              Query("max by (pod) (weft_drain_limit_seconds{@pod})", "{{pod}} limit"),
              width=12)),
)
