"""A chart of lines or dots over two axes, as coordinates for its SVG template.

All text within the picture is at the axes: six numbers at most, and a title each. Names of series are below the
picture, as text of the page, so that nothing overlaps on a narrow screen.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

WIDTH, HEIGHT = 340, 240  # of the picture, in its own units: pixels on a narrow screen
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 22, 40  # of the frame around the plot
TICKS = 5
MOST_POINTS = 400  # of a line; dots of a scatter plot are limited by who makes them
STYLES = 6  # colours with dashes, in the style sheet


@dataclasses.dataclass(frozen=True)
class Series:
    """A line or dots.

    Attributes:
        name: In the legend.
        x: (n,).
        y: (n,); NaN interrupts a line.
        dots: Whether dots are drawn, not a line.
        style: Number of the style; None: that of its place among the series.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    dots: bool = False
    style: int | None = None


@dataclasses.dataclass(frozen=True)
class Shape:
    """A drawn series: the `path` of a line, or the centres of `dots`."""

    name: str
    style: int
    path: str
    dots: Sequence[tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Tick:
    """A number at an axis, at a position in the picture."""

    position: float
    text: str


@dataclasses.dataclass(frozen=True)
class XYChart:
    """A chart, drawn by `draw_chart`; see there."""

    title: str
    description: str
    x_title: str
    y_title: str
    shapes: Sequence[Shape]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    guide: str = ""
    notes: Sequence[str] = ()
    width: int = WIDTH
    height: int = HEIGHT
    frame: tuple[float, float, float, float] = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    template: ClassVar[str] = "xy_chart.html"


def draw_chart(
    title: str,
    description: str,
    axes: tuple[str, str],
    series: Sequence[Series],
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
    mark: float | None = None,
    notes: Sequence[str] = (),
) -> XYChart:
    """Draw a chart.

    Args:
        title: The heading.
        description: What it shows, for those who do not see it.
        axes: Titles of the x and of the y axis.
        series: What is drawn; points that are not finite are left out.
        x_range: From and to; None: what the points take.
        y_range: The same for y.
        diagonal: Whether a line from corner to corner is drawn as well.
        mark: Where a vertical line is drawn as well.
        notes: Lines below the chart.

    Returns:
        The chart.
    """
    x_low, x_high = x_range or _find_range([each.x for each in series])
    y_low, y_high = y_range or _find_range([each.y for each in series])
    left, top, right, bottom = LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM

    def place_x(x):
        return left + (x - x_low) / (x_high - x_low) * (right - left)

    def place_y(y):
        return bottom - (y - y_low) / (y_high - y_low) * (bottom - top)

    shapes = []
    for number, each in enumerate(series):
        x, y = place_x(np.asarray(each.x, float)), place_y(np.asarray(each.y, float))
        inside = np.isfinite(x) & np.isfinite(y)
        style = (number if each.style is None else each.style) % STYLES
        if each.dots:
            dots = [(round(a, 1), round(b, 1)) for a, b in zip(x[inside].tolist(), y[inside].tolist(), strict=True)]
            shapes.append(Shape(each.name, style, "", dots))
        else:
            shapes.append(Shape(each.name, style, _write_path(x, y, inside), ()))
    guide = f"M{left} {bottom}L{right} {top}" if diagonal else ""
    if mark is not None and x_low <= mark <= x_high:
        guide += f"M{place_x(mark):.1f} {bottom}V{top}"
    x_ticks = [Tick(round(place_x(at), 1), text) for at, text in find_ticks(x_low, x_high)]
    y_ticks = [Tick(round(place_y(at), 1), text) for at, text in find_ticks(y_low, y_high)]
    return XYChart(title, description, *axes, shapes, x_ticks, y_ticks, guide, notes)


def find_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Find the round numbers of an axis from `low` to `high`, at most TICKS + 1 of them, and their texts."""
    size = (high - low) / TICKS
    magnitude = 10.0 ** math.floor(math.log10(size))
    step = next(magnitude * factor for factor in (1, 2, 2.5, 5, 10) if magnitude * factor >= size * 0.999)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    numbers = [number * step for number in range(first, last + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if f"{step:e}".startswith("2.5") else 0)
    largest = max(abs(low), abs(high))
    if largest >= 1e5 or digits > 4:
        return [(number, f"{number:.2g}") for number in numbers]
    return [(number, f"{number:.{digits}f}") for number in numbers]


def _find_range(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """The lowest and the highest finite value, apart by something."""
    whole = np.concatenate([np.asarray(each, float) for each in values]) if values else np.zeros(0)
    whole = whole[np.isfinite(whole)]
    low, high = (float(whole.min()), float(whole.max())) if len(whole) else (0.0, 1.0)
    if high - low > 1e-9 * max(1.0, abs(low), abs(high)):
        return low, high
    apart = max(abs(low) / 10, 0.5)
    return low - apart, high + apart


def _write_path(x: np.ndarray, y: np.ndarray, inside: np.ndarray) -> str:
    """The path of a line in SVG, of at most MOST_POINTS points; a point that is not inside interrupts it."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int)) if len(x) else []
    words, pen = [], "M"
    for position in kept:
        if inside[position]:
            words.append(f"{pen}{x[position]:.1f} {y[position]:.1f}")
        pen = "L" if inside[position] else "M"
    if len(words) == 1:  # a line of one point is not seen without an end
        words.append("h0.1")
    return "".join(words)
