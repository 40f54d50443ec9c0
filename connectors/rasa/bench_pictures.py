"""The pictures of a comparison: accuracy as bars, time and memory on a logarithmic scale; SVG for a README."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.evaluation.plotting import Style, pygal
from connectors.rasa.bench_table import Row

STYLE = Style(
    # A README is shown on light and on dark ground, so the picture has a ground of its own.
    background="#ffffff", plot_background="#ffffff", foreground="#1f2328", foreground_strong="#1f2328",
    foreground_subtle="#59636e", guide_stroke_color="#d1d9e0", major_guide_stroke_color="#d1d9e0",
    colors=("#0969da", "#bc4c00"), value_colors=("#1f2328", "#1f2328"),
    font_family="system-ui, sans-serif", title_font_size=15, label_font_size=11, major_label_font_size=11,
    value_font_size=10, legend_font_size=12,
)  # fmt: skip
WIDTH, ROW, FRAME = 820, 36, 120
OURS, RASA = "Chengda", "Rasa 3.6 (DIET)"
_SCRIPT = re.compile(r"<script.*?</script>", re.S)
PICTURES = {
    "rasa-accuracy.svg": ("Intents right, %", ("accuracy",), False),
    "rasa-training.svg": ("Training, seconds (logarithmic)", ("wall_s",), True),
    "rasa-serving.svg": ("Memory while serving, MB (logarithmic)", ("memory_mb",), True),
    "rasa-turns.svg": ("Turns a second (logarithmic)", ("turns_s",), True),
}


def write_pictures(rows: Sequence[Row], folder: Path) -> tuple[Path, ...]:
    """Write every picture that has figures of both engines; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, (title, keys, logarithmic) in PICTURES.items():
        shown = [row for row in rows if row.key in keys and row.ours and row.rasa]
        if shown:
            path = folder / name
            path.write_text(picture(title, shown, logarithmic), encoding="utf-8")
            made.append(path)
    return tuple(made)


def picture(title: str, rows: Sequence[Row], logarithmic: bool) -> str:
    """Horizontal bars, ours beside Rasa's, the first row on top; as SVG."""
    settings: dict[str, Any] = {
        "title": title, "width": WIDTH, "height": FRAME + ROW * len(rows), "style": STYLE, "js": (),
        "disable_xml_declaration": True, "legend_at_bottom": True, "legend_box_size": 10,
        "margin": 8, "margin_right": 30, "print_values": True, "logarithmic": logarithmic, "truncate_label": -1,
    }  # fmt: skip
    decades = _decades(rows)
    settings |= {"range": (decades[0], decades[-1]), "zero": decades[0]} if logarithmic else {"range": (0, 100)}
    chart = pygal.HorizontalBar(**settings)
    if logarithmic:
        chart.y_labels = decades
    digits = rows[0].measure.digits
    chart.formatter = lambda value: "" if value is None else f"{value:,.{digits}f}"
    turned = list(reversed(rows))
    chart.x_labels = [row.case for row in turned]
    chart.add(OURS, [row.ours for row in turned])
    chart.add(RASA, [row.rasa for row in turned])
    return _SCRIPT.sub("", str(chart.render(is_unicode=True)))


def _decades(rows: Sequence[Row]) -> list[float]:
    """The powers of ten from below the smallest figure to above the largest, so that every bar has a length."""
    values = [value for row in rows for value in (row.ours, row.rasa) if value]
    low, high = math.floor(math.log10(min(values)) - 0.05), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, high + 1)]
