"""As much of PromQL as it takes to see which metrics and labels a query uses.

No parser: promtool is that, and the tests give it every query. This reads names out of queries that
promtool accepts.
"""

import re

_KEYWORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring",
             "group_left", "group_right", "inf", "nan"}
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_GROUPING = rf"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"


def selectors(query):
    """Every metric that the query selects, with the labels it matches: [(name, {label, ...})]."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    text = re.sub(_GROUPING, " ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    found = []
    for match in re.finditer(rf"({_NAME})\s*(\{{[^}}]*\}}|\()?", text):
        name, rest = match[1], match[2] or ""
        follows_a_number = match.start() > 0 and text[match.start() - 1].isdigit()
        if name.lower() in _KEYWORDS or rest == "(" or follows_a_number:
            continue
        found.append((name, set(re.findall(rf'({_NAME})\s*(?:=~|!~|!=|=)\s*""', rest))))
    return found


def grouping_labels(query):
    """The labels named in by, without, on, ignoring, group_left and group_right."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    return {label for group in re.findall(_GROUPING, text) for label in re.findall(_NAME, group)}
