"""Writes a dashboard as a TypeScript file that compiles only if Grafana's schema types allow it:

    dashboards_to_ts.py DASHBOARD.json > checked.ts

The schema leaves open what belongs to a kind of panel or of query, so panels' options, fields and
queries are written once more with the types of their own.
"""

import json
import sys

_SDK = "@grafana/grafana-foundation-sdk"
_MODULES = ("dashboard", "prometheus", "stat", "table", "timeseries")
_OPTIONS = {kind: f"Plain<{kind}.Options>" for kind in ("stat", "table", "timeseries")}
_FIELDS = {"table": "Partial<Plain<table.FieldConfig>>",
           "timeseries": "Plain<timeseries.FieldConfig>"}
# The SDK's types want enums where JSON has their values, and its interfaces have methods. It also
# gives a field's links the type of a dashboard's; what Grafana reads there is its DataLink.
_HEAD = """
type Plain<T> =
  0 extends 1 & T ? any :
  T extends string ? `${T}` :
  T extends number ? (`${T}` extends `${infer N extends number}` ? N : T) :
  T extends (infer U)[] ? Plain<U>[] :
  T extends object ? {
    [K in keyof T as NonNullable<T[K]> extends (...args: any) => any ? never : K]: Plain<T[K]>
  } : T;
interface DataLink { title: string; url: string; targetBlank?: boolean }
type Fields = Omit<Plain<dashboard.FieldConfig>, 'links'> & { links?: DataLink[] };
type Panel = Omit<Plain<dashboard.Panel>, 'fieldConfig' | 'options' | 'targets'>;
type Board = Omit<Plain<dashboard.Dashboard>, 'panels'>;
"""


def lines(model):
    for module in _MODULES:
        yield f"import * as {module} from '{_SDK}/{module}';"
    yield _HEAD
    names = iter(range(1 << 30))

    def constant(kind, value):
        return f"export const c{next(names)}: {kind} = {json.dumps(value, indent=2)};"

    yield constant("Board", {key: value for key, value in model.items() if key != "panels"})
    for panel in model["panels"]:
        kind = panel["type"]
        if kind == "row":
            yield constant("Plain<dashboard.RowPanel>", panel)
            continue
        rest = dict(panel)
        fields = dict(rest.pop("fieldConfig"))
        defaults = dict(fields["defaults"])
        yield constant(_OPTIONS[kind], rest.pop("options"))
        yield constant("Plain<prometheus.dataquery>[]", rest.pop("targets"))
        yield constant(_FIELDS.get(kind, "{}"), defaults.pop("custom", {}))
        yield constant("Fields", defaults)
        yield constant("Plain<dashboard.FieldConfigSource>['overrides']", fields["overrides"])
        yield constant("Panel", rest)


def main(argv):
    with open(argv[1], encoding="utf-8") as file:
        model = json.load(file)
    print("\n".join(lines(model)))


if __name__ == "__main__":
    main(sys.argv)
