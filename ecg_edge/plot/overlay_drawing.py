"""Drawing what is laid over an ECG, and its legend."""

import itertools
from collections.abc import Sequence

import numpy as np

from ecg_edge.plot.overlays import HeatMap, Intervals, Marks, Overlay
from ecg_edge.plot.page import LEFT_MM, LINE_MM, MARGIN_MM, TIME_MM, Page, measure, shorten
from ecg_edge.plot.paper_layout import Panel
from ecg_edge.records.record import Record
from firmware_bench.runtime.errors import make_printable

NAME_MM, MARK_MM = (
    4.0,
    5.0,
)  # for the name of a lead above its trace; for the marks above a strip, and for the bars below one
LABEL_SIZE, LEGEND_SIZE = 6.5, 7.0  # points
NORMAL = "#7a7a7a"
# Okabe & Ito's palette, which people with any colour vision can tell apart, from the darkest.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f", "#000000")
UP, DOWN = "#e66100", "#1f5fbf"  # of heat maps
SLOW = 5.0  # mm/s, below which the marks of normal beats would be one bar
DEEPEST = 0.75  # opacity
HEAT_STEPS = 1500  # at most, of a panel
OVERLAP_MM = 0.6  # between two texts, at least


def draw_overlays(page: Page, overlays: Sequence[Overlay], record: Record) -> None:
    """Draw overlays, and a line of the legend for each.

    Args:
        page: The page.
        overlays: In the order of the legend.
        record: The recording that is drawn.
    """
    rows = {Marks: 0, Intervals: 0}
    for number, overlay in enumerate(overlays):
        y = page.bounds[0] - TIME_MM - (number + 1) * LINE_MM + 1
        if isinstance(overlay, HeatMap):
            _draw_heat_map(page, overlay, record)
            signed = np.nanmin(overlay.values, initial=0) < 0
            _write_legend(page, y, overlay.name, [("positive", UP), ("negative", DOWN)] if signed else [("", UP)])
        elif isinstance(overlay, Intervals):
            colours = _choose_colours([label for _, _, label in overlay.spans])
            _draw_intervals(page, overlay, colours, rows[Intervals])
            rows[Intervals] += 1
            _write_legend(page, y, overlay.name, colours.items())
        else:
            colours = _choose_colours(overlay.labels)
            _draw_marks(page, overlay, colours, rows[Marks])
            rows[Marks] += 1
            if _leaves_normal_out(page, overlay):
                colours = {label: colour for label, colour in colours.items() if label != "N"}
                _write_legend(page, y, f"{overlay.name}, normal ones left out", colours.items())
            else:
                _write_legend(page, y, overlay.name, colours.items() or [("", NORMAL)])


def _choose_colours(labels: Sequence[str]) -> dict[str, str]:
    """Label → colour, in the order of appearance; "N" is grey."""
    colours = itertools.cycle(COLOURS)
    return {label: NORMAL if label == "N" else next(colours) for label in dict.fromkeys(labels)}


def _write_legend(page: Page, y: float, name: str, entries) -> None:
    """A line: the name, then a coloured square and a text for each entry, as far as they fit."""
    x, end = MARGIN_MM - LEFT_MM, page.width - LEFT_MM - MARGIN_MM
    if name:
        text = shorten(make_printable(name), end - x, LEGEND_SIZE)
        page.write(x, y, text, LEGEND_SIZE)
        x += measure(text, LEGEND_SIZE) + 3
    for text, colour in entries:
        text = make_printable(text)
        if x + 4 + measure(text, LEGEND_SIZE) > end:
            page.write(x, y, "…", LEGEND_SIZE)
            return
        page.axes.plot([x + 1], [y + 0.9], "s", color=colour, markersize=5, zorder=5)
        page.write(x + 3, y, text, LEGEND_SIZE)
        x += measure(text, LEGEND_SIZE) + 6


def _draw_marks(page: Page, overlay: Marks, colours: dict[str, str], row: int) -> None:
    """Triangles above each strip, each with its label where there is room; each overlay has a row of its own."""
    times = np.asarray(overlay.times_s, np.float64)
    labels = [make_printable(label) for label in overlay.labels] or [""] * len(times)
    tints = np.array([colours.get(label, NORMAL) for label in labels])
    shown = tints != NORMAL if _leaves_normal_out(page, overlay) else np.ones(len(times), bool)
    for strip in page.layout.strips:
        inside = np.flatnonzero(shown & (times >= strip.start_s) & (times < strip.stop_s))
        x = (times - strip.start_s) * page.layout.speed
        y = page.baselines[strip.first_row] + page.up[strip.first_row] + NAME_MM + row * MARK_MM
        page.axes.scatter(
            x[inside], np.full(len(inside), y + 0.8), s=5, marker="v", c=tints[inside], linewidths=0, zorder=4
        )
        free = -np.inf
        for beat in inside:
            width = measure(labels[beat], LABEL_SIZE)
            if labels[beat] and x[beat] - width / 2 >= free:
                page.write(x[beat], y + 1.8, labels[beat], LABEL_SIZE, "center", color=tints[beat])
                free = x[beat] + width / 2 + OVERLAP_MM


def _leaves_normal_out(page: Page, overlay: Marks) -> bool:
    """Whether a page is too slow to tell beats apart, so that it shows those that are not normal alone."""
    return page.layout.speed < SLOW and "N" in overlay.labels


def _draw_intervals(page: Page, overlay: Intervals, colours: dict[str, str], row: int) -> None:
    """Bars below each strip, with the label in each that has room for it; each overlay has a row of its own."""
    height = MARK_MM - 1.5
    for strip in page.layout.strips:
        y = page.baselines[strip.last_row] - page.down[strip.last_row] - (row + 1) * MARK_MM + 0.5
        bars, tints = [], []
        for start, stop, label in overlay.spans:
            x, end = (
                float(np.clip(s, strip.start_s, strip.stop_s) - strip.start_s) * page.layout.speed
                for s in (start, stop)
            )
            if end <= x:
                continue
            bars.append((x, end - x))
            tints.append(colours[label])
            text = make_printable(label)
            if measure(text, LABEL_SIZE) + 2 * OVERLAP_MM <= end - x:
                page.write((x + end) / 2, y + height / 2, text, LABEL_SIZE, "center", "center")
        page.axes.broken_barh(bars, (y, height), facecolors=tints, alpha=0.3, linewidth=0, zorder=2)


def _draw_heat_map(page: Page, overlay: HeatMap, record: Record) -> None:
    """Shading behind the traces of the leads that the heat map has."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    values = np.asarray(overlay.values, np.float64)
    magnitudes = np.sort(np.abs(values[np.isfinite(values)]))
    scale = magnitudes[-max(1, len(magnitudes) // 100) :].mean() if len(magnitudes) else 0.0
    columns = record.find_columns(overlay.leads)
    for panel in page.layout.panels:
        if overlay.leads and panel.lead not in columns:
            continue
        column = values if values.ndim == 1 else values[:, columns.index(panel.lead)]
        steps, edges = _cut_steps(column, overlay, panel)
        if not len(steps) or not scale > 0:
            continue
        shade = np.clip(np.nan_to_num(steps) / scale, -1, 1)
        colours = np.zeros((1, len(shade), 4))
        colours[0, :, :3] = np.where(shade[:, None] >= 0, to_rgb(UP), to_rgb(DOWN))
        colours[0, :, 3] = np.abs(shade) * DEEPEST
        base = page.baselines[panel.row]
        x = panel.x_mm + (edges - panel.start_s) * page.layout.speed
        extent = (x[0], x[1], base - page.down[panel.row], base + page.up[panel.row])
        image = page.axes.imshow(colours, extent=extent, aspect="auto", interpolation="nearest", zorder=1)
        inside = Rectangle(
            (panel.x_mm, extent[2]), (panel.stop_s - panel.start_s) * page.layout.speed, extent[3] - extent[2]
        )
        image.set_clip_path(inside.get_path(), inside.get_patch_transform() + page.axes.transData)
    page.axes.set(xlim=(-LEFT_MM, page.width - LEFT_MM), ylim=page.ends)


def _cut_steps(column: np.ndarray, overlay: HeatMap, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The steps within a panel, of HEAT_STEPS at most the largest of its neighbours; start and end in s."""
    first = max(int(np.floor((panel.start_s - overlay.start_s) / overlay.step_s + 1e-6)), 0)
    stop = min(int(np.ceil((panel.stop_s - overlay.start_s) / overlay.step_s - 1e-6)), len(column))
    steps = column[first:stop]
    edges = overlay.start_s + np.array([first, stop]) * overlay.step_s
    if len(steps) > HEAT_STEPS:
        parts = np.array_split(np.nan_to_num(steps), HEAT_STEPS)
        steps = np.array([part[np.abs(part).argmax()] for part in parts])
    return steps, edges
