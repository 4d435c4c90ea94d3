"""Write the report of one run, or of several in comparison, as one HTML file."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from ecg_edge.html_report.comparison import compare
from ecg_edge.html_report.device_sections import make_files_section, make_layers_section, make_memory_section
from ecg_edge.html_report.evaluation_sections import (
    make_calibration_section,
    make_curves_section,
    make_figures_section,
)
from ecg_edge.html_report.latent_section import make_latent_section
from ecg_edge.html_report.page_model import Chapter, PageSection, Paragraph
from ecg_edge.html_report.recording_section import make_recordings_section
from ecg_edge.html_report.run_parts import RunParts, read_run
from ecg_edge.html_report.training_sections import make_data_section, make_repeat_section, make_training_section
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.software_versions import installed_versions
from firmware_bench.runtime.errors import InputError, make_printable
from firmware_bench.runtime.files import atomic_write

MOST_RUNS = 20
MOST_RECORDINGS = 20
MAX_BYTES = 5_000_000  # of the page: mail takes no more everywhere


def report(
    runs: Run | str | Path | Sequence[Run | str | Path],
    out: str | Path | None = None,
    recordings: int = 6,
    reporter: Reporter | None = None,
) -> Path:
    """Write one self-contained HTML page on a run, or on several that it compares.

    The page says what was trained on what, how training went, how right the model and its exported files are, how large
    and fast, and how to repeat it. It needs no network. What a run's folder does not hold is named, with the command
    that makes it; a damaged file is named in a line.

    Args:
        runs: A run or its folder, or several.
        out: The file; None: report.html in the folder of the first run.
        recordings: How many recordings of a run's test part are drawn that it gets right or wrong, 0 to 20; of several
            runs so many in all, one of each at least. 0: none.
        reporter: Receives progress.

    Returns:
        The file.

    Raises:
        InputError: A folder holds no run, there are more than 20, or the page would be too large to mail.

    Examples:
        >>> ecg_edge.report("runs/demo")
        PosixPath('runs/demo/report.html')
    """
    given = [runs] if isinstance(runs, (Run, str, Path)) else [*runs]
    if not 1 <= len(given) <= MOST_RUNS:
        raise InputError(f"a report is about 1 to {MOST_RUNS} runs, not {len(given)}")
    if not 0 <= recordings <= MOST_RECORDINGS:
        raise InputError(f"0 to {MOST_RECORDINGS} recordings are drawn, not {recordings}")
    parts = [read_run(each.path if isinstance(each, Run) else Path(each)) for each in given]
    path = Path(out) if out else parts[0].path / "report.html"
    if path.is_dir():
        raise InputError(f"{path} is a folder: --out takes the name of a file")
    named = list(zip(_name_runs(parts), parts, strict=True))
    drawn, reporter = max(1, recordings // len(parts)) if recordings else 0, reporter or Reporter()
    chapters = [
        Chapter(name, f"run-{number}", make_sections(each, drawn, reporter))
        for number, (name, each) in enumerate(named, start=1)
    ]
    title = f"Report of {named[0][0]}"
    if len(named) > 1:
        title, chapters = f"Comparison of {len(named)} runs", [compare(named), *chapters]
    page = render_page(title, chapters)
    if len(page.encode()) > MAX_BYTES:
        raise InputError(f"the page would have more than {MAX_BYTES / 1e6:g} MB: take fewer runs or recordings")
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def make_sections(parts: RunParts, recordings: int, reporter: Reporter) -> list[PageSection]:
    """The sections on a run, in order."""
    damaged = (
        [PageSection("Damaged", [Paragraph(line, "damaged") for line in parts.problems])] if parts.problems else []
    )
    sections = [
        *damaged,
        make_data_section(parts),
        make_training_section(parts),
        make_figures_section(parts),
        make_curves_section(parts),
        make_calibration_section(parts),
        make_latent_section(parts),
        make_recordings_section(parts, recordings, reporter) if recordings else None,
        make_files_section(parts),
        make_memory_section(parts),
        make_layers_section(parts),
        make_repeat_section(parts),
    ]
    return [section for section in sections if section]


def render_page(title: str, chapters: Sequence[Chapter]) -> str:
    """Render the page. Everything in it is escaped, and what is not printable is shown as in Python."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ecg_edge.html_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: make_printable(value) if type(value) is str else value,
    )
    version = installed_versions().get("ecg-edge", "of a checkout")
    written = f"Written {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M} by ecg-edge {version}."
    template = environment.get_template("page.html")
    return template.render(title=title, written=written, version=version, chapters=chapters)


def _name_runs(parts: Sequence[RunParts]) -> list[str]:
    """The name of each run's folder, with those above it where names would be the same."""
    paths = [each.path.resolve() for each in parts]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(paths, start=1)]
