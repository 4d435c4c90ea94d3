"""Check a database's files: read every recording and name each that is unreadable or suspicious."""

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.records.database import Database
from ecg_edge.records.formats.format_registry import check_files
from ecg_edge.records.quality import assess_signal, count_clipped
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import describe_error
from ecg_edge.records.sha256_sums import Sha256Sums
from ecg_edge.records.signal_description import NOTHING_STATED, describe_signal
from ecg_edge.records.summary import DatasetSummary, count_recordings, describe_source, find_unlisted, list_notes
from firmware_bench.runtime.errors import InputError

CONSTANT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something wrong with a recording.

    Attributes:
        record: The recording's name.
        severity: "error", it cannot be read; "warning", it is suspicious; or "note".
        text: What is wrong.
    """

    record: str
    severity: str
    text: str


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """The result of a check.

    Attributes:
        records: How many recordings were checked.
        findings: In the order of the index.
        summary: What the data set holds.
    """

    records: int
    findings: tuple[Finding, ...]
    summary: DatasetSummary

    @property
    def unreadable(self) -> list[str]:
        """Names of the recordings that cannot be read."""
        return list(dict.fromkeys(finding.record for finding in self.findings if finding.severity == "error"))

    @property
    def suspicious(self) -> list[str]:
        """Names of the recordings that can be read and have a warning."""
        warned = dict.fromkeys(finding.record for finding in self.findings if finding.severity == "warning")
        return [record for record in warned if record not in set(self.unreadable)]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {
            "records": self.records,
            "unreadable": self.unreadable,
            "suspicious": self.suspicious,
            "findings": [vars(finding) for finding in self.findings],
            "summary": self.summary.to_dict(),
        }


def check(
    database: Database,
    folder: Path,
    advance: Callable[[int, int], None] = lambda done, total: None,
    fs: float | None = None,
    units: str | None = None,
    leads: str | Sequence[str] = (),
    rename_leads: Mapping[str, str] | Sequence[str] = (),
) -> CheckReport:
    """Read every recording of a database and check its labels, signal and files.

    Args:
        database: The database.
        folder: Its folder.
        advance: Called with (done, total) after each recording.
        fs: Sampling rate of files that do not state it, Hz.
        units: Their unit, as "mV", "uV" or "NU" (normalised units).
        leads: Names of their columns.
        rename_leads: Lead in the file → name to use.

    Returns:
        The findings.

    Raises:
        InputError: The label files themselves cannot be read.
    """
    entries, stated = database.index(folder), describe_signal(fs, units, leads, rename_leads)
    if stated != NOTHING_STATED:
        entries = [dataclasses.replace(entry, stated=stated) for entry in entries]
    findings: list[Finding] = []
    found_leads: dict[str, tuple[str, ...]] = {}
    rates: dict[str, float] = {}
    found_units: dict[str, str] = {}
    without_signal: list[str] = []
    seen: dict[bytes, str] = {}
    beats, rhythms = Counter[str](), Counter[str]()
    sums = Sha256Sums(folder)
    for number, entry in enumerate(entries, start=1):
        remarks = check_entry_labels(entry, database.classes) + sums.check(entry)
        try:
            record = database.read(folder, entry)
            file_remarks = check_files(folder / entry.path) if record.signal is not None else []
            found_leads[entry.name], rates[entry.name] = record.leads, record.fs
            for symbols in [record.beats.symbols] if record.beats else []:
                beats.update(dict(zip(*np.unique(symbols, return_counts=True), strict=True)))
            rhythms.update(interval.rhythm for interval in record.rhythms)
            if record.signal is None:
                without_signal.append(entry.name)
            else:
                found_units[entry.name] = record.units
                remarks += check_signal(record) + file_remarks
                first = seen.setdefault(hashlib.blake2b(record.signal.tobytes()).digest(), entry.name)
                if first != entry.name:
                    remarks.append(f"its signal is that of {first}")
        except Exception as error:  # one recording, however damaged, does not end the check of the others
            text = str(error) if isinstance(error, InputError) else f"cannot be read: {describe_error(error)}"
            findings.append(Finding(entry.name, "error", text.replace(f"{folder}{os.sep}", "")))
        findings += [Finding(entry.name, "warning", remark) for remark in remarks]
        advance(number, len(entries))

    unlisted = find_unlisted(database, folder, entries)
    remarks = [(name, "recording without label") for names in unlisted.values() for name in names]
    remarks += database.check_labels(folder)
    remarks += find_missing_leads(found_leads, database.leads) + find_unusual_rates(rates, database.fs)
    remarks += find_unusual_units(found_units)
    findings += [Finding(name, "warning", remark) for name, remark in remarks]
    if without_signal:
        others = f" and {len(without_signal) - 1} more of the {len(entries)}" if len(without_signal) > 1 else ""
        text = f"this{others}: annotations alone, the signal file is not here"
        findings.append(Finding(without_signal[0], "note", text))
    if others := [name for name, unit in found_units.items() if unit != "mV"]:
        text = f"{len(others)} of the {len(entries)} recordings are in {found_units[others[0]]}, not in mV"
        findings.append(Finding(others[0], "note", text))
    report = CheckReport(len(entries), tuple(findings), DatasetSummary("", count_recordings([])))
    unreadable = set(report.unreadable)
    left_out = {
        "cannot be read": report.unreadable,
        "no label": [e.name for e in entries if database.classes and not e.labels and e.name not in unreadable],
        **unlisted,
    }
    summary = DatasetSummary(
        describe_source(database, folder),
        count_recordings(entry for entry in entries if entry.name not in unreadable),
        annotations={"beats": _to_plain(beats), "rhythm intervals": _to_plain(rhythms)},
        left_out={reason: names for reason, names in left_out.items() if names},
        notes=list_notes(database, folder),
    )
    return dataclasses.replace(report, summary=summary)


def _to_plain(counts: Counter) -> dict[str, int]:
    return {str(code): int(count) for code, count in counts.most_common()}


def check_entry_labels(entry: Entry, classes: tuple[str, ...]) -> list[str]:
    """List what is wrong with a recording's labels; nothing where the database labels no recordings."""
    if not classes:
        return []
    if not entry.labels:
        return ["no label"]
    return [f"unknown label {label!r}, known: {', '.join(classes)}" for label in entry.labels if label not in classes]


def check_signal(record: Record) -> list[str]:
    """List what is suspicious about a signal, one line each: missing samples, leads that are flat, stand still or are
    saturated, amplitudes that no ECG has."""
    if record.signal is None:
        return []
    missing, flat, constant, clipped = [], [], [], []
    for lead, column in zip(record.leads, record.signal.T, strict=True):
        valid = column[np.isfinite(column)]
        if len(valid) < len(column):
            missing.append(f"{lead} {len(column) - len(valid)}")
        if len(valid) == 0 or valid.min() == valid.max():
            flat.append(lead)
            continue
        if (seconds := measure_longest_run(np.diff(column) == 0) / record.fs) >= CONSTANT_SECONDS:
            constant.append(f"{lead} {seconds:.1f} s")
        if any(count_clipped(column == extreme, record.fs) for extreme in (valid.min(), valid.max())):
            clipped.append(lead)
    texts = {
        f"no valid sample (NaN) in places, of {len(record.signal)}": missing,
        "flat lead": flat,
        "stands still in lead": constant,
        "saturated in lead": clipped,
    }
    found = [f"{text}: {', '.join(leads)}" for text, leads in texts.items() if leads]
    return found + list(assess_signal(record, record.leads).impossible_amplitudes)


def measure_longest_run(mask: np.ndarray) -> int:
    """Measure the longest run of True in bool (n,)."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def find_missing_leads(leads: dict[str, tuple[str, ...]], usual: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Find recordings that lack a usual lead.

    Args:
        leads: Recording → its leads.
        usual: The database's leads; () for those that nine in ten recordings have; None where they vary.

    Returns:
        Pairs of recording and remark.
    """
    usual = _find_usual(leads) if usual == () else usual
    missing = {name: [lead for lead in usual or () if lead not in own] for name, own in leads.items()}
    return [(name, f"missing lead: {', '.join(lacks)}") for name, lacks in missing.items() if lacks]


def find_unusual_rates(rates: dict[str, float], usual: float | None) -> list[tuple[str, str]]:
    """Find recordings of an unusual sampling rate.

    Args:
        rates: Recording → its rate in Hz.
        usual: The database's rate in Hz; None for that of nine in ten recordings.

    Returns:
        Pairs of recording and remark.
    """
    usual = usual or _find_usual(rates)
    return [(name, f"{rate:g} Hz, not {usual:g} Hz") for name, rate in rates.items() if usual and rate != usual]


def find_unusual_units(units: dict[str, str]) -> list[tuple[str, str]]:
    """Find recordings in another unit than nine in ten: pairs of recording and remark. units: recording → its unit."""
    usual = _find_usual(units)
    return [(name, f"in {unit}, not in {usual}") for name, unit in units.items() if usual and unit != usual]


def _find_usual(values: dict):
    """The value of at least nine in ten, else None."""
    if not values:
        return None
    value, count = Counter(values.values()).most_common(1)[0]
    return value if count >= 0.9 * len(values) else None
