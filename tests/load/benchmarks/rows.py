"""The result of a measurement: rows of one shape, printed as a table or as JSON, and the few
statistics that make them.

A row's keys are always name, value, unit, ratio_to, min, max, runs; those without a meaning for it
are None. Names read "<measurement>/<case>/<subject>/<quantity>". A row that compares has the unit
"ratio"; its `ratio_to` names the row it is a ratio to, so it can be looked up in the same list.
"""

import dataclasses
import json
import math
from typing import Iterable, List, Optional, Sequence

RATIO = "ratio"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    value: float
    unit: str
    ratio_to: Optional[str] = None
    min: Optional[float] = None
    max: Optional[float] = None
    runs: int = 1


def quantile(values: Sequence[float], fraction: float) -> float:
    """The `fraction` quantile, by linear interpolation between the two nearest values."""
    if not values:
        raise ValueError("no values to take a quantile of")
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def summary_row(name: str, values: Sequence[float], unit: str) -> Row:
    """The median of repeated measurements of one quantity, with their range."""
    return Row(name, median(values), unit, None, min(values), max(values), len(values))


def pair_ratios(values: Sequence[float], base: Sequence[float]) -> List[float]:
    """values[i] / base[i], both measured in the same round. Pairs with base 0 are left out."""
    if len(values) != len(base):
        raise ValueError(f"{len(values)} values cannot be paired with {len(base)}")
    return [value / other for value, other in zip(values, base) if other > 0]


def ratio_row(name: str, values: Sequence[float], base_name: str,
              base: Sequence[float]) -> List[Row]:
    """<name>_ratio: the median of the pairwise ratios with their range. No row when nothing can be
    compared."""
    ratios = pair_ratios(values, base)
    if not ratios:
        return []
    return [Row(name + "_ratio", median(ratios), RATIO, base_name, min(ratios), max(ratios),
                len(ratios))]


def ratio_quartile_rows(name: str, values: Sequence[float], base_name: str,
                        base: Sequence[float]) -> List[Row]:
    """<name>_ratio_p25 and _p75: the interquartile range of the pairwise ratios."""
    ratios = pair_ratios(values, base)
    if not ratios:
        return []
    return [Row(f"{name}_ratio_p{percent}", quantile(ratios, percent / 100), RATIO, base_name,
                runs=len(ratios)) for percent in (25, 75)]


def to_json(rows: Iterable[Row]) -> str:
    lines = [json.dumps(dataclasses.asdict(row)) for row in rows]
    return "[\n" + ",\n".join("  " + line for line in lines) + "\n]\n"


def format_number(value: Optional[float]) -> str:
    """Four significant digits, or all of those before the point."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, min(digits, 6))}f}"


def to_table(rows: Sequence[Row]) -> str:
    header = ("name", "value", "unit", "min", "max", "runs", "ratio to")
    cells = [header] + [
        (row.name, format_number(row.value), row.unit, format_number(row.min),
         format_number(row.max), str(row.runs), row.ratio_to or "") for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    numeric = {1, 3, 4, 5}
    return "\n".join(
        "  ".join(cell.rjust(width) if column in numeric else cell.ljust(width)
                  for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in cells)
