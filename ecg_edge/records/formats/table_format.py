"""Tables of numbers as text: one line per sample, one column per lead, and perhaps a time.

Names and units come from lines above the numbers ("time [ms],I (uV),II (uV)", or a line of names and a line of units as
PhysioNet writes), the sampling rate from a time column; whatever they do not say has to be stated: fs, units, leads.
"""

import os
import re
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.lead_signals import FileSignal, make_record, select_leads, to_float32
from ecg_edge.records.formats.record_format import HEAD_BYTES, SingleFileFormat
from ecg_edge.records.formats.text_table import Layout, NoTableError, decode_text, find_layout, parse_numbers
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.units import millivolts_per

WITH_UNIT = re.compile(r"(.*?)\s*[\[(]\s*([^\[\]()]+?)\s*[\])]")
TIME = re.compile(
    r"(elapsed[ _]?|phone[ _]?|sensor[ _]?)?(time([ _]?stamp)?|t|zeit|temps|tiempo|seconds?)", re.IGNORECASE
)
INDEX = re.compile(r"|index|idx|n|no\.?|nr\.?|samples?( ?(#|no\.?|number|index))?|unnamed: 0", re.IGNORECASE)
SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
CLOCK_UNIT = re.compile(r"[hms:.]+", re.IGNORECASE)  # "hh:mm:ss.mmm"
PLAUSIBLE_FS = 50.0, 10_000.0  # Hz; decides whether times without a unit are seconds
# Columns of a table of labels: such a table is no recording.
LABEL_COLUMNS = {
    "record", "records", "recording", "file", "filename", "path", "label", "labels", "class", "classes", "patient",
    "patient_id", "patientid", "pid", "subject", "subject_id", "ecg_id", "scp_codes", "fold", "split", "diagnosis",
}  # fmt: skip


class TableFormat(SingleFileFormat):
    """See the module."""

    name = "CSV"
    suffixes = (".csv", ".tsv", ".txt")
    shared_suffix = True
    certain_by_content = False
    largest_bytes = 2**30

    def is_at(self, stem: Path | str) -> bool:
        return os.path.basename(stem).lower() not in ("labels", "labels.csv") and super().is_at(stem)

    def recognises(self, head: bytes) -> bool:
        try:
            text = decode_text(head)
            if len(head) == HEAD_BYTES:
                text = text[: text.rfind("\n") + 1]
            layout = find_layout(text)
        except NoTableError:
            return False
        except ValueError:
            return True  # reading says what is unclear
        return not any(cell.lower() in LABEL_COLUMNS for cells in layout.header for cell in cells)

    def read(self, stem: Path, entry: Entry) -> Record:
        path, _ = self.open_main_file(stem)
        try:
            text = decode_text(Path(path).read_bytes())
            layout = find_layout(text, len(entry.stated.leads))
            names, units = _name_columns(layout)
        except ValueError as error:
            raise RecordError(f"{path} is no table of numbers that can be read: {error}") from None
        numbers, clock = parse_numbers(path, text, layout)
        del text
        times, columns = _find_times(path, names, units, numbers, clock, entry)
        fs = _find_fs(path, times, entry)
        stated = entry.stated
        if stated.leads:
            if len(stated.leads) != len(columns):
                raise RecordError(f"{path} has {len(columns)} columns of signals, and {len(stated.leads)} are named")
            names = dict(zip(columns, stated.leads, strict=True))
        elif not layout.header:
            if len(columns) > 1:
                raise RecordError(
                    f"{path} does not name its {len(columns)} leads: state them with leads (--leads I,II)"
                )
            names = {columns[0]: "ECG"}
        missing = [] if fs else ["its sampling rate with fs (--fs)"]
        if not any(units.get(column) or stated.units for column in columns):
            missing.append("its unit with units (--units)")
        if missing or fs is None:
            raise RecordError(f"{path} does not say it: state {' and '.join(missing)}")
        signals = [FileSignal(names[column], units.get(column, ""), fs, len(numbers)) for column in columns]
        chosen, scales, unit = select_leads(path, signals, entry, all_leads=True)
        signal = to_float32(numbers[:, [columns[i] for i in chosen]] * scales)
        return make_record(path, [signals[i].name for i in chosen], signal, fs, entry, unit)


def _name_columns(layout: Layout) -> tuple[dict[int, str], dict[int, str]]:
    """The names of the columns and their units, where the lines above the numbers say them. Raises ValueError."""
    if not layout.header:
        return {}, {}
    first, *others = layout.header
    names, units = {}, {}
    for column, cell in enumerate(first):
        found = WITH_UNIT.fullmatch(cell)
        names[column] = found[1] if found else cell
        if found:
            units[column] = found[2]
    if len(others) == 1 and all(_is_unit(cell) for cell in others[0]):
        units = dict(enumerate(others[0]))
    elif others:
        raise ValueError(f"it has {len(layout.header)} lines above its numbers: one of names, one of units can be read")
    return names, units


def _is_unit(cell: str) -> bool:
    return (
        cell.lower() in SECONDS or millivolts_per(cell) is not None or bool(CLOCK_UNIT.fullmatch(cell)) or len(cell) < 6
    )


def _find_times(
    path: str, names: dict[int, str], units: dict[int, str], numbers: np.ndarray, clock: np.ndarray | None, entry: Entry
) -> tuple[np.ndarray | None, list[int]]:
    """Find the columns that are no signals.

    Returns:
        The times in s as the file says them, or None where it does not; and the columns of signals.

    Raises:
        RecordError: A column that counts samples leaves some out.
    """
    columns, times = list(range(numbers.shape[1])), clock
    if clock is not None:
        columns.remove(0)
    elif not names and len(columns) == len(entry.stated.leads) + 1 and (np.diff(numbers[:, 0]) > 0).all():
        columns.remove(0)  # a time in an unknown unit, or a number, before as many columns as leads are named
        if not _is_regular(numbers[:, 0]):
            raise RecordError(f"{path}: its first column is no regular time, and there is no name for it")
    for column in [column for column in columns if column in names]:
        if TIME.fullmatch(names[column]) or units.get(column, "").lower() in SECONDS:
            columns.remove(column)
            if times is None:
                times = _to_seconds(numbers[:, column], units.get(column, "").lower())
        elif INDEX.fullmatch(names[column]) and len(numbers) > 1 and (np.diff(numbers[:, column]) > 0).all():
            columns.remove(column)
            if not (np.diff(numbers[:, column]) == 1).all():
                raise RecordError(f"{path} leaves out samples: its column {names[column]!r} does not count in ones")
    if not columns:
        raise RecordError(f"{path} has no column of a signal")
    return times, columns


def _to_seconds(times: np.ndarray, unit: str) -> np.ndarray | None:
    """Times in s. Without a unit they are taken as seconds where that makes a rate that an ECG can have; else None."""
    if unit in SECONDS:
        return times * SECONDS[unit]
    if unit or len(times) < 2 or not np.isfinite(times).all() or times[-1] <= times[0]:
        return None
    fs = (len(times) - 1) / (times[-1] - times[0])
    return times if PLAUSIBLE_FS[0] <= fs <= PLAUSIBLE_FS[1] else None


def _find_fs(path: str, times: np.ndarray | None, entry: Entry) -> float | None:
    """The sampling rate by a time column, else as stated.

    Raises:
        RecordError: The times are not regular, or make another rate than the stated one.
    """
    stated = entry.stated.fs
    if times is None or len(times) < 2:
        return stated
    if not _is_regular(times):
        steps = np.diff(times)
        at = int(np.nanargmax(np.abs(steps - np.nanmedian(steps)))) if np.isfinite(steps).any() else 0
        raise RecordError(f"{path} is not sampled regularly: its times jump most after sample {at + 1}")
    measured, span = (len(times) - 1) / (times[-1] - times[0]), times[-1] - times[0]
    # Written times are rounded: by how much, their distances from a regular grid tell.
    grid = times[0] + np.arange(len(times)) / measured
    error = measured * min(0.01, 2 * float(np.abs(times - grid).max()) / span + 1e-9)
    if stated:
        if abs(stated - measured) > max(error, 1e-3 * measured):
            raise RecordError(f"{path} has times that make {measured:.6g} Hz, not {stated:g} Hz: leave fs (--fs) out")
        return stated
    return float(round(measured)) if abs(round(measured) - measured) <= error else measured


def _is_regular(times: np.ndarray) -> bool:
    """Whether times are those of a regular grid, up to half a step by which they may be rounded."""
    if not np.isfinite(times).all() or times[-1] <= times[0]:
        return False
    step = (times[-1] - times[0]) / (len(times) - 1)
    return bool(np.abs(times - times[0] - np.arange(len(times)) * step).max() <= 0.5 * step + 1e-9 * step)
