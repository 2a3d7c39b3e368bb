"""Draws panels as Grafana would, more or less: an SVG for each, from what Prometheus answered.

Not Grafana's own drawing: enough to see in the documentation what a panel shows. Title, lines, axes
in the panel's unit, the red line of an alert, and the legend with last and most.
"""

import html
import math
import re
import time

# Classic colours that can be told apart on white.
_COLOURS = ("#3d71d9", "#e0752d", "#508642", "#ba43a9", "#c4162a", "#0a8f8f", "#967302", "#705da0",
            "#58140c", "#6d8fa8")
_LIMIT = "#e02f44"
_LEGEND_MAX = 6  # lines; the rest is counted
_LINE = 17  # the height of a line of text
_LEFT, _RIGHT, _TOP = 62, 14, 34


def legend_of(template, labels):
    """Grafana's legendFormat: "{{pod}} shard {{shard}}"."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template).strip()


def value_text(value, unit):
    """A value in the panel's unit, in three figures."""
    if math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
            if abs(value) * factor >= 1 or name == "µs" or value == 0:
                return f"{value * factor:.3g} {name}"
    if unit in ("bytes", "Bps"):
        power = 0
        while abs(value) >= 1024 and power < 4:
            value, power = value / 1024, power + 1
        return f"{value:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}" + "/s" * (unit == "Bps")
    suffix = {"reqps": " /s", "ops": " /s"}.get(unit, "")
    return (f"{value / 1000:.3g} k" if abs(value) >= 1000 else f"{value:.3g}") + suffix


def _ticks(top, unit):
    """About four round values from 0 to top."""
    base = 1024 ** int(math.log(top, 1024)) if unit in ("bytes", "Bps") and top >= 1024 else 1
    step = 10 ** math.floor(math.log10(top / base / 4)) * base
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step * 4.5 >= top)
    return [step * number for number in range(int(top / step) + 1)]


def svg(panel, series, span, size):
    """One panel. `series`: [(name, [(time, value)])]; `span`: first and last time; size: pixels."""
    (start, end), (width, height) = span, size
    defaults = panel["fieldConfig"]["defaults"]
    unit, limit = defaults["unit"], _limit_of(defaults)
    numbers = [value for _, points in series for _, value in points if not math.isnan(value)]
    most = max([*numbers, 0])
    # An alert's line belongs into the picture where the values come near it.
    top = max(most, limit if limit and most > limit / 4 else 0) * 1.08 or 1
    lines = min(len(series), _LEGEND_MAX) + (len(series) > _LEGEND_MAX)
    bottom = height - 26 - _LINE * max(lines, 1)

    def x_of(at):
        return _LEFT + (at - start) / (end - start) * (width - _LEFT - _RIGHT)

    def y_of(value):
        return bottom - value / top * (bottom - _TOP)

    parts = [_text(12, 22, panel["title"], "title")]
    for tick in _ticks(top, unit):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width - _RIGHT}" '
                     f'y1="{y_of(tick):.1f}" y2="{y_of(tick):.1f}"/>')
        parts.append(_text(_LEFT - 6, y_of(tick) + 4, value_text(tick, unit), "axis end"))
    for number in range(5):
        at = start + (end - start) * (number + 0.5) / 5
        parts.append(_text(x_of(at), bottom + 15, time.strftime("%H:%M:%S", time.gmtime(at)),
                           "axis middle"))
    if limit and limit <= top:
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{width - _RIGHT}" '
                     f'y1="{y_of(limit):.1f}" y2="{y_of(limit):.1f}"/>')
    for number, (name, points) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += _path(points, x_of, y_of, colour)
        if number < _LEGEND_MAX:
            parts += _legend(number, name, points, unit, colour, bottom, width)
    if len(series) > _LEGEND_MAX:
        parts.append(_text(28, bottom + 34 + _LINE * _LEGEND_MAX,
                           f"and {len(series) - _LEGEND_MAX} more", "legend"))
    if not series:
        parts.append(_text(width / 2, (bottom + _TOP) / 2, "nothing drawn", "axis middle"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            + "".join(parts) + "</svg>")


def page(panels):
    """An HTML page of [(x, y, svg)], for a browser to photograph."""
    boxes = "".join(f'<div style="left:{x}px;top:{y}px">{text}</div>' for x, y, text in panels)
    return f"""<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #f4f5f5; }}
div {{ position: absolute; background: #fff; border: 1px solid #dcdde0; border-radius: 2px; }}
text {{ font: 12px sans-serif; fill: #24292e; }}
.title {{ font-size: 14px; font-weight: 600; }}
.axis {{ font-size: 11px; fill: #6a7078; }}
.middle {{ text-anchor: middle; }}
.end {{ text-anchor: end; }}
.grid {{ stroke: #e5e7ea; }}
.limit {{ stroke: {_LIMIT}; stroke-dasharray: 6 4; stroke-width: 1.5; }}
path {{ fill: none; stroke-width: 1.6; stroke-linejoin: round; }}
</style>{boxes}"""


def _limit_of(defaults):
    steps = defaults.get("thresholds", {}).get("steps", [])
    return steps[-1]["value"] if steps else None


def _path(points, x_of, y_of, colour):
    """A line that is broken where there is no value; a dot where one stands alone."""
    runs, run = [], []
    for at, value in points:
        if math.isnan(value):
            runs.append(run)
            run = []
        else:
            run.append(f"{x_of(at):.1f} {y_of(value):.1f}")
    for one in filter(None, [*runs, run]):
        # A line of no length with round ends is a dot.
        yield (f'<path stroke="{colour}" stroke-linecap="round" '
               f'd="M{" L".join(one if len(one) > 1 else one * 2)}"/>')


def _legend(number, name, points, unit, colour, bottom, width):
    y = bottom + 34 + _LINE * number
    values = [value for _, value in points if not math.isnan(value)]
    yield f'<rect x="12" y="{y - 6}" width="10" height="3" fill="{colour}"/>'
    room = int((width - 215) / 6)  # characters
    yield _text(28, y, name if len(name) <= room else name[:room - 1] + "…", "legend")
    if values:
        yield _text(width - 100, y, "last " + value_text(values[-1], unit), "axis end")
        yield _text(width - _RIGHT, y, "most " + value_text(max(values), unit), "axis end")


def _text(x, y, text, kind):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{html.escape(text)}</text>'
