"""Panels, rows and dashboards as values, and the JSON that Grafana reads.

A dashboard's file says what is shown, in rows; everything that is the same everywhere is made
here: where a panel lies, how it is drawn, its links to logs and traces, the variables. Panels flow
from left to right and wrap at 24 columns.

Queries are PromQL with three abbreviations:

  {@pod}     the variables namespace, service and pod
  {@method}  the same and the variable method, without gRPC's own services (health, reflection)
  [@]        [$__rate_interval]
"""

import dataclasses
import json

from deploy.dashboards import links

COLUMNS = 24
HEIGHT = 8
# A line has this many queries of its own at most: letters name them.
QUERIES_MAX = 26

# The statuses that OpenTelemetry's RPC conventions count as the server's fault.
SERVERS_FAULT = (
    'grpc_status=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"')

_DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_POD = 'namespace=~"$namespace",service=~"$service",pod=~"$pod"'
_METHOD = _POD + ',grpc_method=~"$method",grpc_method!~"grpc[.].*"'


@dataclasses.dataclass(frozen=True)
class Query:
    """`legend` is Grafana's: "{{pod}} shard {{shard}}"; in a table it is the column's name."""
    text: str
    legend: str
    unit: str = ""  # of a table's column

    def promql(self):
        text = self.text.replace("[@]", "[$__rate_interval]")
        return text.replace("@pod", _POD).replace("@method", _METHOD)


def quantiles(histogram, selector, *by):
    """Two queries: p50 and p99 of a histogram, for each value of the labels `by`."""
    labels = " ".join("{{" + label + "}}" for label in by)
    return [Query(f"histogram_quantile({share}, "
                  f"sum by ({', '.join((*by, 'le'))}) (rate({histogram}_bucket{{{selector}}}[@])))",
                  f"{name} {labels}") for share, name in ((0.5, "p50"), (0.99, "p99"))]


@dataclasses.dataclass(frozen=True)
class Panel:
    """What one picture shows. `description` ends with what to do about it."""
    title: str
    description: str
    unit: str
    queries: tuple
    kind: str = "timeseries"  # or stat, table
    width: int = 8
    limit: float = None  # a red line, where an alert fires
    spans: str = None  # a condition in TraceQL that says which traces belong to the picture

    def json(self, number, x, y):
        make = {"timeseries": _graph, "stat": _stat, "table": _table}[self.kind]
        panel = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": _DATA_SOURCE,
            "gridPos": {"h": HEIGHT, "w": self.width, "x": x, "y": y},
            "targets": [_target(letter, query, self.kind)
                        for letter, query in zip(_letters(), self.queries, strict=False)],
        }
        panel.update(make(self))
        return panel


def graph(title, description, unit, *queries, **more):
    """Lines over time."""
    return Panel(title, description, unit, _flat(queries), **more)


def stat(title, description, unit, *queries, **more):
    """The last value of each series, in large figures."""
    return Panel(title, description, unit, _flat(queries), kind="stat", **more)


def table(title, description, *queries, **more):
    """A line for each service of each namespace and a column for each query, all as of now."""
    return Panel(title, description, "short", _flat(queries), kind="table", width=COLUMNS, **more)


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    panels: tuple


def row(title, *panels):
    return Row(title, panels)


def dashboard(uid, title, description, variables, *rows):
    """The whole as Grafana's JSON model."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["weft", "grpc"],
        "description": description,
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one cross hair over all panels
        "timezone": "",
        "refresh": "30s",
        "id": None,
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []},
        "links": [links.to_other_dashboards()],
        "templating": {"list": variables},
        "panels": list(_placed(rows)),
    }


def text_of(model):
    """The file's text."""
    return json.dumps(model, indent=2, ensure_ascii=False) + "\n"


def _placed(rows):
    """Panel ids follow from row and place, so that a new panel at a row's end renames no other."""
    y = 0
    for row_number, one in enumerate(rows, 1):
        yield {
            "id": 100 * row_number,
            "type": "row",
            "title": one.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
            "panels": [],
        }
        x, y = 0, y + 1
        for number, panel in enumerate(one.panels, 1):
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            yield panel.json(100 * row_number + number, x, y)
            x += panel.width
        y += HEIGHT


def _flat(queries):
    """Queries one by one, where quantiles() gives two."""
    found = []
    for query in queries:
        found += query if isinstance(query, list) else [query]
    assert len(found) <= QUERIES_MAX
    return tuple(found)


def _letters():
    return (chr(ord("A") + number) for number in range(QUERIES_MAX))


def _target(letter, query, kind):
    now = {"instant": True, "range": False, "format": "table"} if kind == "table" else {
        "range": True}
    return {
        "refId": letter,
        "datasource": _DATA_SOURCE,
        "editorMode": "code",
        "expr": query.promql(),
        "legendFormat": query.legend,
        **now,
    }


def _graph(panel):
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "none"},
    }
    defaults = {"unit": panel.unit, "min": 0, "custom": custom, "links": links.of_series(panel)}
    if panel.limit is not None:
        custom["thresholdsStyle"] = {"mode": "line"}
        defaults["thresholds"] = {"mode": "absolute", "steps": [
            {"color": "transparent", "value": None}, {"color": "red", "value": panel.limit}]}
    return {
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "legend": {
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _stat(panel):
    return {
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "links": links.of_series(panel)}, "overrides": []},
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "auto",
            "textMode": "value_and_name",
            "colorMode": "none",
            "graphMode": "none",
            "justifyMode": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        },
    }


def _table(panel):
    names = {f"Value #{letter}": query.legend
             for letter, query in zip(_letters(), panel.queries, strict=False)}
    units = [{"matcher": {"id": "byName", "options": query.legend},
              "properties": [{"id": "unit", "value": query.unit}]} for query in panel.queries]
    to_service = {"matcher": {"id": "byName", "options": "service"},
                  "properties": [{"id": "links", "value": [links.to_service()]}]}
    return {
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": {"align": "auto", "filterable": True}},
            "overrides": [to_service, *units],
        },
        "options": {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"},
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {
                "excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}},
        ],
    }
