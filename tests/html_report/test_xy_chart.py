"""Charts: round numbers at the axes, lines within the frame, gaps where there is no value."""

import numpy as np
import pytest

from ecg_edge.html_report.xy_chart import MOST_POINTS, TICKS, Series, draw_chart, find_ticks


@pytest.mark.parametrize(
    "low, high", [(0, 1), (1, 30), (0.412, 0.776), (6.25e-5, 1e-3), (-3, 250), (0, 3e7), (1e-9, 2e-9)]
)
def test_ticks_are_few_within_the_axis_and_different(low, high):
    ticks = find_ticks(low, high)
    assert 2 <= len(ticks) <= TICKS + 1 and len({text for _, text in ticks}) == len(ticks)
    assert all(low - 1e-6 * (high - low) <= at <= high + 1e-6 * (high - low) for at, _ in ticks)
    assert all(float(text) == pytest.approx(at, rel=0.05, abs=1e-12) and len(text) <= 8 for at, text in ticks)


def test_a_line_stays_in_the_frame_and_is_interrupted_where_it_has_no_value():
    y = np.array([0.0, 1.0, np.nan, 3.0, 2.0])
    chart = draw_chart("title", "described", ("x", "y"), [Series("line", np.arange(5), y)])
    (shape,) = chart.shapes
    assert shape.path.count("M") == 2 and shape.path.count("L") == 2
    left, top, right, bottom = chart.frame
    points = [tuple(map(float, point.split())) for point in shape.path.replace("M", "L").split("L")[1:]]
    assert all(left <= x <= right and top <= y <= bottom for x, y in points)
    assert points[0] == (left, bottom) and points[2][1] == top


def test_a_long_line_has_few_points_and_constant_values_have_an_axis():
    chart = draw_chart("title", "described", ("x", "y"), [Series("line", np.arange(10_000), np.full(10_000, 0.5))])
    assert chart.shapes[0].path.count("L") < MOST_POINTS and len(chart.y_ticks) >= 2
    nothing = draw_chart("title", "described", ("x", "y"), [Series("line", np.full(1, np.nan), np.full(1, np.nan))])
    assert nothing.shapes[0].path == ""
