"""Where on the page each lead's signal is drawn: rows of 25 mm/s, or the standard page of twelve leads."""

import dataclasses
import math
from collections.abc import Sequence

from ecg_edge.records.record import STANDARD_LEADS

SPEED = 25.0  # mm/s, the standard paper speed
STRIP_S = 10.0  # what a page of the standard width holds
STRIP_MM = SPEED * STRIP_S
ROWS = 12  # at most on a page, unless there are more leads
COLUMNS = 4  # of the standard page
SHORTEST_STANDARD_S = 8.0  # a shorter recording has too little for four columns
RHYTHM_LEAD = "II"
STANDARD_PAGE = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
# Durations of a row, s, where the recording is too long for rows of STRIP_S.
LONG_STRIPS_S = (12, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400)


@dataclasses.dataclass(frozen=True)
class Panel:
    """A lead over a stretch of time.

    Attributes:
        lead: Column of the signal.
        start_s, stop_s: The stretch, s from the start of the recording.
        x_mm: Where it starts, from the left end of the traces.
        row: Number of its row, from the top.
    """

    lead: int
    start_s: float
    stop_s: float
    x_mm: float
    row: int


@dataclasses.dataclass(frozen=True)
class Strip:
    """Rows of the same stretch of time; marks stand above the first, intervals below the last.

    Attributes:
        start_s, stop_s: The stretch, s from the start of the recording.
        first_row, last_row: Numbers of its rows.
    """

    start_s: float
    stop_s: float
    first_row: int
    last_row: int


@dataclasses.dataclass(frozen=True)
class PaperLayout:
    """The places on a page.

    Attributes:
        panels: Of every lead and stretch of time.
        strips: The stretches of time, one below the other.
        speed: mm/s.
        width_mm: Of the traces.
        rows: How many there are.
    """

    panels: tuple[Panel, ...]
    strips: tuple[Strip, ...]
    speed: float
    width_mm: float
    rows: int


def arrange(leads: Sequence[str], start_s: float, seconds: float) -> PaperLayout:
    """Arrange a recording on a page.

    The twelve standard leads of 8 to 10 s go onto the standard page: three rows of four leads, each a quarter of the
    time, above lead II over all of it. Other recordings have a row for each lead, one strip below the other where there
    is more than 10 s. Of a recording that is too long for that at 25 mm/s the strips are longer, and slower.

    Args:
        leads: Names of the columns of the signal.
        start_s: Start of what is drawn, s from the start of the recording.
        seconds: Duration of what is drawn, s, above 0.
    """
    if set(leads) == set(STANDARD_LEADS) and SHORTEST_STANDARD_S <= seconds <= STRIP_S:
        return _arrange_standard(leads, start_s, seconds)
    most = max(1, ROWS // len(leads))
    strip_s = next((length for length in (STRIP_S, *LONG_STRIPS_S) if length * most >= seconds), seconds / most)
    count = math.ceil(seconds / strip_s)
    if count == 1:
        strip_s = seconds
    speed = min(SPEED, STRIP_MM / strip_s)
    panels, strips = [], []
    for number in range(count):
        first, last = start_s + number * strip_s, min(start_s + (number + 1) * strip_s, start_s + seconds)
        rows = range(number * len(leads), (number + 1) * len(leads))
        strips.append(Strip(first, last, rows[0], rows[-1]))
        panels += [Panel(lead, first, last, 0.0, row) for lead, row in enumerate(rows)]
    return PaperLayout(tuple(panels), tuple(strips), speed, strip_s * speed, count * len(leads))


def _arrange_standard(leads: Sequence[str], start_s: float, seconds: float) -> PaperLayout:
    """Three rows of four leads, and the rhythm strip."""
    part = seconds / COLUMNS
    panels = [
        Panel(leads.index(lead), start_s + i * part, start_s + (i + 1) * part, i * part * SPEED, row)
        for row, names in enumerate(STANDARD_PAGE)
        for i, lead in enumerate(names)
    ]
    last = len(STANDARD_PAGE)
    panels.append(Panel(leads.index(RHYTHM_LEAD), start_s, start_s + seconds, 0.0, last))
    return PaperLayout(
        tuple(panels), (Strip(start_s, start_s + seconds, last, last),), SPEED, seconds * SPEED, last + 1
    )
