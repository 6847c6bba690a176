"""Lines on logarithmic axes as SVG, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

_WIDTH, _HEIGHT = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 56, 52

# The colours are those of bench.plots, and two more.
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.unit, .tick { fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5 }
.a { stroke: #0969da } .b { stroke: #bf8700 } .c { stroke: #8250df } .d { stroke: #1a7f37 }
.name.a { fill: #0969da } .name.b { fill: #9a6700 } .name.c { fill: #8250df } .name.d { fill: #1a7f37 }
.bound { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 4 }
.name.bound { fill: #cf222e }
.name { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .unit, .tick { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .a { stroke: #4493f8 } .b { stroke: #d29922 } .c { stroke: #ab7df8 } .d { stroke: #3fb950 }
  .name.a { fill: #4493f8 } .name.b { fill: #d29922 } .name.c { fill: #ab7df8 } .name.d { fill: #3fb950 }
  .bound { stroke: #f85149 }
  .name.bound { fill: #f85149 }
  .name { stroke: none }
}
"""


@dataclass(frozen=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """`across` and `up` say what the axes are; `bound` is a height with a name."""

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    bound: tuple[float, str] | None = None

    def svg(self) -> str:
        """The picture."""
        parts = [*self._grid(), *self._drawn()]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(self.title)}">'
        )
        words = [
            f'<text class="title" x="0" y="16">{escape(self.title)}</text>',
            f'<text class="unit" x="0" y="38">{escape(self.up)}</text>',
            f'<text class="unit" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">'
            f"{escape(self.across)}</text>",
        ]
        return "\n".join([head, f"<style>{_STYLE}</style>", *words, *parts, "</svg>"]) + "\n"

    def _range(self, axis: int) -> tuple[int, int]:
        values = [point[axis] for line in self.lines for point in line.points]
        if axis and self.bound:
            values.append(self.bound[0])
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        return low, max(high, low + 1)

    def _x(self, value: float) -> float:
        low, high = self._range(0)
        return _LEFT + (log10(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        low, high = self._range(1)
        return _HEIGHT - _BOTTOM - (log10(value) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def _grid(self) -> list[str]:
        parts: list[str] = []
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        for power in range(self._range(0)[0], self._range(0)[1] + 1):
            x = self._x(10.0**power)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
                f"{round_number(10.0**power)}</text>"
            )
        for power in range(self._range(1)[0], self._range(1)[1] + 1):
            y = self._y(10.0**power)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                f"{round_number(10.0**power)}</text>"
            )
        return parts

    def _drawn(self) -> list[str]:
        right = _WIDTH - _RIGHT
        parts: list[str] = []
        named: list[tuple[float, str, str]] = []
        if self.bound:
            y = self._y(self.bound[0])
            parts.append(f'<line class="bound" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            named.append((y, "bound", self.bound[1]))
        for kind, line in zip("abcd", self.lines, strict=False):
            points = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in line.points)
            parts.append(f'<polyline class="line {kind}" points="{points}"/>')
            named.append((self._y(line.points[-1][1]), kind, line.name))
        above = 0.0
        for y, kind, name in sorted(named):
            # Names that would stand on each other stand below each other.
            above = max(y, above + 16)
            parts.append(
                f'<text class="name {kind}" x="{right + 8}" y="{above + 4:.1f}">{escape(name)}</text>'
            )
        return parts


def round_number(value: float) -> str:
    """A power of ten, as an axis says it."""
    for size, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{word}"
    return f"{value:g}"
