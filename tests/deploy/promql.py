"""As much of PromQL as it takes to see which metrics and labels a query uses.

No parser: promtool is that, and the tests give it every query. This reads names out of queries that
promtool accepts.
"""

import re

_KEYWORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring",
             "group_left", "group_right", "inf", "nan"}
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SELECTOR = rf"({_NAME})\s*(\{{[^}}]*\}}|\()?"
_JOIN = (r"(?:(?:and|or|unless)\b|==|!=|>=|<=|>|<)\s*(?:bool\b\s*)?(?:(?:on|ignoring)\s*\([^)]*\))?"
         r"\s*(?:group_(?:left|right)\b\s*(?:\([^)]*\))?)?")
_GROUPING = rf"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"


def selectors(query):
    """Every metric that the query selects, with the labels it matches: [(name, {label, ...})]."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    text = re.sub(_GROUPING, " ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    found = []
    for match in re.finditer(_SELECTOR, text):
        if _is_selector(text, match):
            matched = re.findall(rf'({_NAME})\s*(?:=~|!~|!=|=)\s*""', match[2] or "")
            found.append((match[1], set(matched)))
    return found


def selector_texts(query):
    """Every selector of the query as it is written, without range and offset: [text]."""
    text = _mask(query)
    text = re.sub(_GROUPING, lambda match: " " * len(match[0]), text)
    text = re.sub(r"\[[^\]]*\]", lambda match: " " * len(match[0]), text)
    found = []
    for match in re.finditer(_SELECTOR, text):
        if _is_selector(text, match):
            found.append(query[match.start():match.end(2 if match[2] else 1)])
    return found


def operands(query):
    """What the query compares or joins: the sides of its comparisons and of and, or and unless.

    An alert finds nothing while all is well; its operands must find something, or it never will.
    What a function or an aggregation encloses is not taken apart.
    """
    query = query.strip()
    while query.startswith("(") and _closes_at(_mask(query)) == len(query) - 1:
        query = query[1:-1].strip()
    text, pieces, depth, start, at = _mask(query), [], 0, 0, 0
    while at < len(text):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        match = re.compile(_JOIN).match(text, at) if depth == 0 else None
        if match and not re.match(r"\w{2}", text[max(0, at - 1):at + 1]):
            pieces.append(query[start:at])
            start = at = match.end()
        else:
            at += 1
    if not pieces:
        return [query]
    return [one for piece in (*pieces, query[start:]) for one in operands(piece)]


def _mask(query):
    """The query with the content of its strings blanked: as long as before, without surprises."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: '"' + " " * (len(match[0]) - 2) + '"', query)


def _closes_at(text):
    """Where the parenthesis that opens the text is closed."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return at
    return -1


def _is_selector(text, match):
    follows_a_number = match.start() > 0 and text[match.start() - 1].isdigit()
    return match[1].lower() not in _KEYWORDS and match[2] != "(" and not follows_a_number


def grouping_labels(query):
    """The labels named in by, without, on, ignoring, group_left and group_right."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    return {label for group in re.findall(_GROUPING, text) for label in re.findall(_NAME, group)}
