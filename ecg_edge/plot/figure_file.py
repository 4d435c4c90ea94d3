"""A picture as a file: PNG, SVG or PDF."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def find_format(path: Path | str) -> str:
    """Find the format of a picture by the suffix of its file.

    Args:
        path: The file.

    Returns:
        One of `FORMATS`.

    Raises:
        InputError: It has another suffix.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InputError(f"{path}: a picture is a .png, .svg or .pdf file")
    return suffix


def render_figure(figure: "Figure", form: str = "png", dpi: float = 150.0) -> bytes:
    """Render a picture.

    Args:
        figure: The picture.
        form: "png", "svg" or "pdf".
        dpi: Dots per inch of a PNG.

    Returns:
        The bytes of the file.

    Raises:
        InputError: There is no such format.

    Examples:
        >>> ecg_edge.render_figure(figure, "svg")[:5]
        b'<?xml'
    """
    if form not in FORMATS:
        raise unknown_name("format of a picture", form, FORMATS)
    import matplotlib

    held = io.BytesIO()
    # Text stays text, and the same picture is the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "ecg-edge"}):
        figure.savefig(held, format=form, dpi=dpi, metadata=UNDATED[form])
    return held.getvalue()


def save_figure(figure: "Figure", path: Path | str, dpi: float = 150.0) -> None:
    """Write a picture: the file is complete, or it is not there.

    Args:
        figure: The picture, for example of `plot_ecg`.
        path: The file, .png, .svg or .pdf.
        dpi: Dots per inch of a PNG.

    Raises:
        InputError: The file has another suffix.
        OSError: It cannot be written.

    Examples:
        >>> ecg_edge.save_figure(figure, "ecg.pdf")
    """
    content = render_figure(figure, find_format(path), dpi)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
