"""What a page consists of: sections of paragraphs, tables, charts and pictures, as plain values for the templates."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A text.

    Attributes:
        text: The text.
        kind: "text", "note" (smaller), "missing" (what is not there, and how to get it), "damaged" or "command".
    """

    text: str
    kind: str = "text"
    template: ClassVar[str] = "paragraph.html"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table that is more than text.

    Attributes:
        text: The text.
        share: Shades the cell, from 0 to 1; None: no shade.
        bar: Length of a bar behind the text, from 0 to 1, of which 1 is the limit; None: no bar.
        interval: (low, value, high) from 0 to 1, drawn as a line with a dot; None: none.
        over: Whether the limit of the bar is exceeded.
    """

    text: str
    share: float | None = None
    bar: float | None = None
    interval: tuple[float, float, float] | None = None
    over: bool = False


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A table.

    Attributes:
        caption: What it shows.
        columns: Names of the columns; the first names the row.
        rows: Texts or cells.
        notes: Lines below it.
        numbers: Whether all columns but the first are aligned to the right.
        narrow: Whether another table fits beside it.
        folded: Whether it is shown on demand.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    notes: Sequence[str] = ()
    numbers: bool = True
    narrow: bool = False
    folded: bool = False
    template: ClassVar[str] = "text_table.html"


@dataclasses.dataclass(frozen=True)
class Picture:
    """A PNG.

    Attributes:
        caption: What it shows.
        description: The text for those who do not see it.
        png: The file, base64.
    """

    caption: str
    description: str
    png: str
    template: ClassVar[str] = "picture.html"


@dataclasses.dataclass(frozen=True)
class PageSection:
    """A section of the page.

    Attributes:
        title: Its heading.
        blocks: What it shows, in order: Paragraph, TextTable, Picture, or ecg_edge.html_report.xy_chart.XYChart.
    """

    title: str
    blocks: Sequence[object]


@dataclasses.dataclass(frozen=True)
class Chapter:
    """The sections of one run, or of the comparison.

    Attributes:
        title: Its heading.
        anchor: Its name in links.
        sections: In order.
    """

    title: str
    anchor: str
    sections: Sequence[PageSection]
