"""Links of dashboards and panels: to each other, to logs in Loki and to traces in Tempo.

Logs are found by the labels namespace, service and pod, the same as the metrics'; traces by the
attribute service.name and the span's name, which is the method's. A series that tells its pod or
method narrows the search to it; else the dashboard's variables do.
"""

import json
import re
import urllib.parse


def to_other_dashboards():
    """A list of all dashboards with our tag, which keeps the time range and the variables."""
    return {
        "type": "dashboards",
        "title": "Weft",
        "tags": ["weft"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def to_service():
    """From a table's line to the dashboard of its service."""
    return {
        "title": "Weft service",
        "url": "/d/weft-service?var-namespace=${__data.fields.namespace}"
               "&var-service=${__data.fields.service}&${__url_time_range}",
    }


def of_series(panel):
    """What a click on a series of the panel offers."""
    legends = [query.legend for query in panel.queries]
    known = {label for label in ("namespace", "service", "pod", "grpc_method")
             if all("{{" + label + "}}" in legend for legend in legends)}
    lines = [f'{label}=~"{_value(label, label, known)}"'
             for label in ("namespace", "service", "pod")]
    spans = [f'resource.service.name=~"{_value("service", "service", known)}"']
    if any("@method" in query.text for query in panel.queries):
        spans.append(f'name=~"{_value("grpc_method", "method", known)}"')
    if panel.spans:
        spans.append(panel.spans)
    return [
        {"title": "Logs", "targetBlank": True,
         "url": _explore("logs", "loki", {"expr": "{" + ",".join(lines) + "}"})},
        {"title": "Traces", "targetBlank": True,
         "url": _explore("traces", "tempo", {
             "queryType": "traceql", "query": "{" + " && ".join(spans) + "}"})},
    ]


def _value(label, variable, known):
    return "${__field.labels.%s}" % label if label in known else "${%s:pipe}" % variable


def _explore(variable, kind, query):
    """The address of Explore with one query in it (schemaVersion 1: Grafana 10 and newer)."""
    source = "${" + variable + "}"
    panes = {"weft": {
        "datasource": source,
        "queries": [{"refId": "A", "datasource": {"type": kind, "uid": source}, **query}],
        "range": {"from": "${__from}", "to": "${__to}"},
    }}
    text = json.dumps(panes, separators=(",", ":"))
    # Grafana fills in its variables in the text as it stands: they must not be encoded.
    parts = re.split(r"(\$\{[^}]*\})", text)
    encoded = "".join(part if part.startswith("${") else urllib.parse.quote(part, safe="")
                      for part in parts)
    return f"/explore?schemaVersion=1&orgId=${{__org.id}}&panes={encoded}"
