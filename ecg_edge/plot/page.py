"""A page of a figure, measured in mm."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from ecg_edge.plot.paper_layout import PaperLayout
from ecg_edge.text_length import shorten_left

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCH_MM = 25.4
POINT_MM = INCH_MM / 72
LEFT_MM, MARGIN_MM = 15.0, 5.0  # before the traces, with the calibration pulse; at the other edges
LINE_MM, TIME_MM = 4.5, 4.0  # a line of text; the times below the traces
TEXT_SIZE = 8.0  # points
NARROWEST_MM = 170.0  # of a page
WIDTH_PER_SIZE = 0.62  # of an average character, in font sizes; most fonts are narrower
PAPER = "#fffdfb"


@dataclasses.dataclass(frozen=True)
class Page:
    """A page: x is 0 where the traces start, y is 0 at the first row's baseline, both in mm.

    Attributes:
        figure: The matplotlib figure.
        axes: Its only axes, in mm.
        layout: What is where.
        baselines: y of each row's baseline, mm.
        up, down: How far each row's signal goes from there, mm.
        bounds: y of the lower and the upper end of the traces, mm.
        ends: y of the lower and the upper edge of the page, mm.
        width: Of the page, mm.
    """

    figure: "Figure"
    axes: "Axes"
    layout: PaperLayout
    baselines: np.ndarray
    up: np.ndarray
    down: np.ndarray
    bounds: tuple[float, float]
    ends: tuple[float, float]
    width: float

    @classmethod
    def create(
        cls,
        layout: PaperLayout,
        baselines: np.ndarray,
        up: np.ndarray,
        down: np.ndarray,
        around: tuple[float, float],
        header: Sequence[str],
        legend_lines: int,
    ) -> Self:
        """Make a page that has room for everything.

        Args:
            layout: What is where.
            baselines: As the attribute, like `up` and `down`.
            up, down: See there.
            around: What the first row takes above its baseline, and the last row below, mm.
            header: Lines of text above the traces; one that is too long is shortened from its start.
            legend_lines: How many lines the legend has.
        """
        from matplotlib.figure import Figure

        width = max(LEFT_MM + layout.width_mm + MARGIN_MM, NARROWEST_MM)
        bottom, top = float(baselines[-1] - around[1]), float(around[0])
        ends = bottom - TIME_MM - legend_lines * LINE_MM - MARGIN_MM, top + len(header) * LINE_MM + MARGIN_MM
        height = ends[1] - ends[0]
        figure = Figure(figsize=(width / INCH_MM, height / INCH_MM), facecolor=PAPER)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(-LEFT_MM, width - LEFT_MM), ylim=ends)
        axes.axis("off")
        page = cls(figure, axes, layout, baselines, up, down, (bottom, top), ends, width)
        for number, line in enumerate(header):
            y = ends[1] - MARGIN_MM - (number + 1) * LINE_MM + 1
            text = shorten(line, width - 2 * MARGIN_MM, TEXT_SIZE)
            page.write(MARGIN_MM - LEFT_MM, y, text, TEXT_SIZE, bold=not number)
        return page

    def write(self, x, y, text, size=TEXT_SIZE, align="left", vertical="baseline", bold=False, color="#1b1b1b") -> None:
        """Write a line of text, as it is: no mark-up is read in it.

        Args:
            x, y: Where, mm.
            text: One line.
            size: Of the font, points.
            align: "left", "center" or "right" of x.
            vertical: "baseline", "top", "center" or "bottom" at y.
            bold: Whether it is bold.
            color: Of the letters.
        """
        self.axes.text(
            x, y, text, fontsize=size, ha=align, va=vertical, color=color, zorder=5, parse_math=False,
            fontweight="bold" if bold else "normal",
        )  # fmt: skip


def measure(text: str, size: float) -> float:
    """Estimate from above how wide a text is, mm; size: of the font, points."""
    return len(text) * size * WIDTH_PER_SIZE * POINT_MM


def shorten(text: str, width: float, size: float) -> str:
    """Leave out the start of a text that is wider than `width` mm."""
    return shorten_left(text, max(1, int(width / (size * WIDTH_PER_SIZE * POINT_MM))))
