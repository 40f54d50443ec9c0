"""Charts as inline SVG that take their colours from the page, so that they follow its light or dark mode."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.evaluation.plotting import Style, pygal
from knowledge.figures import Interval

SERIES = 6
STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="var(--ink)",
    foreground_strong="var(--ink)",
    foreground_subtle="var(--line)",
    guide_stroke_color="var(--line)",
    major_guide_stroke_color="var(--line)",
    colors=tuple(f"var(--series-{number})" for number in range(SERIES)),
    value_colors=("var(--ink)",) * SERIES,
    ci_colors=("var(--ink)",) * SERIES,
    font_family="inherit",
    title_font_size=15,
    label_font_size=12,
    major_label_font_size=12,
    value_font_size=11,
    legend_font_size=12,
    tooltip_font_size=12,
    stroke_width="2",
)
WIDTH, ROW, FRAME = 400, 18, 110
SCRIPT = re.compile(r"<script.*?</script>", re.S)


def bars(title: str, unit: str, rows: Sequence[str], series: Mapping[str, Sequence[Interval | None]]) -> str:
    """Horizontal bars with 95 % intervals from 0 to 100, the first row on top."""
    height = FRAME + ROW * len(rows) * len(series) + 8 * len(rows)
    chart = pygal.HorizontalBar(
        **_settings(title, height), x_title=unit, range=(0, 100), print_values=True, show_legend=len(series) > 1
    )
    chart.formatter = lambda value: f"{value:.1f}"
    _fill(chart, rows, series)
    return _svg(chart)


def gains(title: str, unit: str, rows: Sequence[str], values: Sequence[Interval | None]) -> str:
    """Differences with 95 % intervals about zero."""
    widest = math.ceil(max((100 * max(abs(one.low), abs(one.high)) for one in values if one), default=0.0)) or 1
    chart = pygal.HorizontalBar(
        **_settings(title, FRAME + (ROW + 8) * len(rows)), x_title=unit, show_legend=False,
        range=(-widest, widest),
    )  # fmt: skip
    chart.formatter = lambda value: f"{value:+.1f}"
    _fill(chart, rows, {"gain": values})
    return _svg(chart)


def curves(
    title: str,
    x_title: str,
    y_title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    ideal: str = "",
    low: float = 0.0,
) -> str:
    """Lines over a percentage; `ideal` names a dashed diagonal, `low` is where both axes begin."""
    chart = pygal.XY(
        **_settings(title, 360), x_title=x_title, y_title=y_title, dots_size=3,
        xrange=(0.0 if not ideal else low, 100), range=(low, 100),
    )  # fmt: skip
    chart.formatter = lambda value: f"{value:.1f}" if isinstance(value, float) else str(value)
    for name, points in series.items():
        chart.add(name, list(points))
    if ideal:
        chart.add(ideal, [(low, low), (100, 100)], show_dots=False, stroke_style={"dasharray": "4, 4"})
    return _svg(chart)


def columns(title: str, x_title: str, y_title: str, rows: Sequence[str], series: Mapping[str, Sequence[int]]) -> str:
    """Counts by class of a quantity, side by side."""
    chart = pygal.Bar(**_settings(title, 320), x_title=x_title, y_title=y_title)
    chart.x_labels = list(rows)
    for name, counts in series.items():
        chart.add(name, list(counts))
    return _svg(chart)


def _settings(title: str, height: int) -> dict[str, Any]:
    return {
        "title": title,
        "width": WIDTH,
        "height": height,
        "style": STYLE,
        "js": (),
        "disable_xml_declaration": True,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "legend_box_size": 10,
        "margin": 6,
    }


def _fill(chart: Any, rows: Sequence[str], series: Mapping[str, Sequence[Interval | None]]) -> None:
    """Labels and values, the rows turned over, as the library draws the first at the foot."""
    chart.x_labels = list(reversed(rows))
    for name, intervals in series.items():
        chart.add(name, [_bar(interval) for interval in reversed(intervals)])


def _bar(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    low, high = 100 * interval.low, 100 * interval.high
    return {"value": 100 * interval.value, "ci": {"low": low, "high": high}}


def _svg(chart: Any) -> str:
    return SCRIPT.sub("", str(chart.render(is_unicode=True)))
