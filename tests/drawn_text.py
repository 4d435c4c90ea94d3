"""The text of a picture as it is drawn: what overlaps, and what does not fit."""

import io
import itertools
from unittest import mock

from matplotlib.text import Text

SLACK = 0.5  # pixels by which boxes may touch


def find_drawn_texts(figure, dpi=100):
    """(text, box in pixels) of every text that rendering the figure draws, where it is drawn last."""
    drawn, draw = {}, Text.draw

    def record(self, renderer, *words, **options):
        draw(self, renderer, *words, **options)
        if self.get_visible() and self.get_text().strip():
            drawn[self] = (self.get_text(), self.get_window_extent(renderer))

    with mock.patch.object(Text, "draw", record):
        figure.savefig(io.BytesIO(), dpi=dpi)
    return list(drawn.values())


def find_text_faults(figure, dpi=100):
    """Lines about texts that overlap, or that leave the figure; [] where there is none."""
    width, height = figure.get_size_inches() * dpi
    drawn = find_drawn_texts(figure, dpi)
    assert drawn
    outside = [
        f"{text!r} leaves the figure"
        for text, box in drawn
        if min(box.x0, box.y0) < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK
    ]
    overlapping = [
        f"{first!r} overlaps {second!r}"
        for (first, a), (second, b) in itertools.combinations(drawn, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK
    ]
    return outside + overlapping
