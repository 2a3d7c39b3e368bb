"""Recording rules for objectives: the calls that count, those that broke the promise, the budget.

Everything that is the same for all services is written by hand over these three: the burn rates in
deploy/monitoring/rules/recording.yaml, the alerts in alerts.yaml.
"""

# A call with one of these was not answered as promised. Against the error ratio of recording.yaml
# there is one more: who is turned away because the service is overloaded got no answer either.
BAD = ("UNKNOWN", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "INTERNAL",
       "UNAVAILABLE", "DATA_LOSS")
# How long a call took that its client gave up says nothing about the server.
NOT_TIMED = (*BAD, "CANCELLED")

_HEAD = """\
# Made of option (weft.slo) in the .proto files by "bazel run //deploy/slo:generate". Do not edit.
#
# For each objective: the calls that count for it, those of them that broke the promise, and the
# part that may. recording.yaml makes burn rates of them; deploy/slo/README.md says what counts.
groups:
"""


def text_of(objectives):
    """The rule file."""
    text = _HEAD
    for name in sorted({objective.slo for objective in objectives}):
        text += f"  - name: weft-slo-{name}\n    rules:\n"
        text += "\n".join(rule for objective in objectives if objective.slo == name
                          for rule in _rules(objective)) + "\n"
    return text.rstrip("\n") + "\n"


def _rules(objective):
    calls, bad = (_availability if objective.kind == "availability" else _latency)(objective)
    yield _rule(objective, "slo:grpc_server_calls:rate5m", calls)
    yield _rule(objective, "slo:grpc_server_calls_bad:rate5m", bad)
    # On every series that has calls, so that the three join without a word.
    yield _rule(objective, "slo:error_budget:ratio",
                ["0 *", *calls, f"+ {_budget(objective.ratio)}"])


def _rule(objective, name, lines):
    expression = "".join(f"          {line}\n" for line in lines)
    return (f"      - record: {name}\n"
            f"        expr: |\n{expression}"
            f"        labels:\n"
            f"          slo: {objective.slo}\n"
            f"          objective: {objective.kind}\n")


def _availability(objective):
    """The lines of two queries: all calls, and the bad ones."""
    methods = _methods(objective)
    calls = _rate("count", methods)
    bad = _rate("count", methods, f'grpc_status=~"{"|".join(BAD)}"')
    return calls, [*bad, "or", "0 *", *calls]  # 0, not nothing, where no call has failed yet


def _latency(objective):
    timed = [_methods(objective), f'grpc_status!~"{"|".join(NOT_TIMED)}"']
    calls = _rate("count", *timed)
    fast = _rate("bucket", *timed, f'le="{objective.threshold_seconds:g}"')
    return calls, [*calls, "-", *fast]


def _rate(part, *matchers):
    """The lines of a rate, summed over pods."""
    return ["sum by (namespace, service) (",
            f"  rate(grpc_server_call_duration_seconds_{part}{{",
            *(f"    {matcher}," for matcher in matchers[:-1]), f"    {matchers[-1]}",
            "  }[5m])", ")"]


def _methods(objective):
    service = objective.methods[0].partition("/")[0]
    names = "|".join(method.partition("/")[2] for method in objective.methods)
    return f'grpc_method=~"{service.replace(".", "[.]")}/({names})"'


def _budget(ratio):
    # Twelve digits: without them 1 - 0.999 is 0.0010000000000000009.
    return f"{1 - ratio:.12g}"
