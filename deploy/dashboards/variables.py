"""The variables of the dashboards. Several values, or all, can be chosen of each but the sources.

"All" is ".+" and not a list of everything: short queries, and pods that have ended are in it.
"""

_ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}


def of_calls(calls="grpc_server_call_started_total"):
    """namespace, service, pod and method; the methods are those of the metric `calls`."""
    method = _choice("method", "Method",
                     f'label_values({calls}{{namespace=~"$namespace",service=~"$service"}}, '
                     "grpc_method)")
    method["regex"] = r"/^(?!grpc\.).*/"  # not health and reflection
    return [*of_pods(), method]


def of_pods():
    """namespace, service and pod."""
    within = 'weft_build_info{namespace=~"$namespace"'
    return [
        _source("datasource", "Metrics", "prometheus"),
        _source("logs", "Logs", "loki"),
        _source("traces", "Traces", "tempo"),
        _choice("namespace", "Namespace", "label_values(weft_build_info, namespace)"),
        _choice("service", "Service", f"label_values({within}}}, service)"),
        _choice("pod", "Pod", f'label_values({within},service=~"$service"}}, pod)'),
    ]


def _source(name, label, kind):
    return {
        "name": name,
        "label": label,
        "type": "datasource",
        "query": kind,
        "refresh": 1,
        "multi": False,
        "includeAll": False,
    }


def _choice(name, label, query):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": dict(_ALL),
    }
