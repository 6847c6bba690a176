"""Bar charts as SVG, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.summary import Figure

_WIDTH, _LABELS, _VALUES = 760, 230, 120
_ROW, _HEAD, _GAP = 26, 54, 20

# A picture in a page does not inherit the page's colours; it does see what the reader prefers.
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.group, .value { fill: #57606a }
.group { font-weight: 600 }
.peer { fill: #8c959f }
.ours { fill: #0969da }
.floor { fill: #bf8700 }
.spread { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .group, .value { fill: #9198a1 }
  .peer { fill: #656c76 }
  .ours { fill: #4493f8 }
  .floor { fill: #d29922 }
  .spread { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True)
class Bar:
    label: str
    figure: Figure
    kind: str = "peer"
    """`peer`, `ours` or `floor`: its colour."""


def bar_chart(title: str, unit: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Horizontal bars: the median, a line from least to most, the value in words."""
    top = max((bar.figure.most for _, bars in groups for bar in bars), default=0) or 1.0
    scale = (_WIDTH - _LABELS - _VALUES) / top
    parts: list[str] = []
    y = _HEAD
    for name, bars in groups:
        if name:
            parts.append(f'<text class="group" x="0" y="{y + 14}">{escape(name)}</text>')
            y += _ROW - 4
        for bar in bars:
            parts += _bar(bar, y, scale)
            y += _ROW
        y += _GAP - 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" '
        f'width="{_WIDTH}" height="{y}" role="img" aria-label="{escape(title)}">'
    )
    heading = f'<text class="title" x="0" y="16">{escape(title)}</text>'
    below = f'<text class="value" x="0" y="36">{escape(unit)}</text>'
    return "\n".join([head, f"<style>{_STYLE}</style>", heading, below, *parts, "</svg>"]) + "\n"


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    figure = bar.figure
    length = max(1.0, figure.median * scale)
    middle = y + 9
    low, high = _LABELS + figure.least * scale, _LABELS + figure.most * scale
    value_at = max(high, _LABELS + length) + 8
    return [
        f'<text x="{_LABELS - 8}" y="{y + 14}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{bar.kind}" x="{_LABELS}" y="{y}" width="{length:.1f}" height="18" rx="2"/>',
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
        f'<text class="value" x="{value_at:.1f}" y="{y + 14}">{number(figure.median)}</text>',
    ]


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
