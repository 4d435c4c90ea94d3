"""What is wrong with a database's files: reads every recording and names each that is unreadable or suspicious."""

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg_edge.records.database import Database
from ecg_edge.records.formats.format_registry import check_files
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError

CLIPPED_SECONDS = 0.04  # a QRS complex's tip lasts less than this at its highest value
CLIPPED_FRACTION = 0.02
FLAT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong with `record`. severity: "error", it cannot be read; "warning", it is suspicious; or "note"."""

    record: str
    severity: str
    text: str


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """The result of a check: how many recordings were looked at, and the findings in the order of the index."""

    records: int
    findings: tuple[Finding, ...]

    @property
    def unreadable(self) -> list[str]:
        """Names of the recordings that cannot be read."""
        return list(dict.fromkeys(finding.record for finding in self.findings if finding.severity == "error"))

    @property
    def suspicious(self) -> list[str]:
        """Names of the recordings that can be read and have a warning."""
        warned = dict.fromkeys(finding.record for finding in self.findings if finding.severity == "warning")
        return [record for record in warned if record not in set(self.unreadable)]


def check(
    database: Database, folder: Path, advance: Callable[[int, int], None] = lambda done, total: None
) -> CheckReport:
    """Reads every recording of `database` at `folder`; calls `advance(done, total)` after each.

    Raises InputError where the label files themselves cannot be read.
    """
    entries = database.index(folder)
    findings: list[Finding] = []
    leads: dict[str, tuple[str, ...]] = {}
    rates: dict[str, float] = {}
    signalless: list[str] = []
    seen: dict[bytes, str] = {}
    for number, entry in enumerate(entries, start=1):
        remarks = check_entry_labels(entry, database.classes)
        try:
            record = database.read(folder, entry)
        except RecordError as error:
            findings.append(Finding(entry.name, "error", str(error).replace(f"{folder}{os.sep}", "")))
        else:
            leads[entry.name], rates[entry.name] = record.leads, record.fs
            if record.signal is None:
                signalless.append(entry.name)
            else:
                remarks += check_signal(record) + check_files(folder / entry.path)
                first = seen.setdefault(hashlib.blake2b(record.signal.tobytes()).digest(), entry.name)
                if first != entry.name:
                    remarks.append(f"its signal is that of {first}")
        findings += [Finding(entry.name, "warning", remark) for remark in remarks]
        advance(number, len(entries))

    listed = {entry.path for entry in entries}
    unlisted = [name for name, path in database.list_recordings(folder).items() if path not in listed]
    remarks = [(name, "recording without label") for name in unlisted]
    remarks += (
        database.check_labels(folder)
        + find_missing_leads(leads, database.leads)
        + find_unusual_rates(rates, database.fs)
    )
    findings += [Finding(name, "warning", remark) for name, remark in remarks]
    if signalless:
        others = f" and {len(signalless) - 1} more of the {len(entries)}" if len(signalless) > 1 else ""
        findings.append(Finding(signalless[0], "note", f"this{others}: annotations alone, the signal file is not here"))
    return CheckReport(len(entries), tuple(findings))


def check_entry_labels(entry: Entry, classes: tuple[str, ...]) -> list[str]:
    """What is wrong with a recording's labels; nothing where the database labels no recordings."""
    if not classes:
        return []
    if not entry.labels:
        return ["no label"]
    return [f"unknown label {label!r}, known: {', '.join(classes)}" for label in entry.labels if label not in classes]


def check_signal(record: Record) -> list[str]:
    """What is suspicious about a signal: missing samples, flat or clipped leads."""
    missing, flat, still, clipped = [], [], [], []
    for lead, column in zip(record.leads, record.signal.T, strict=True):
        valid = column[np.isfinite(column)]
        if len(valid) < len(column):
            missing.append(f"{lead} {len(column) - len(valid)}")
        if len(valid) == 0 or valid.min() == valid.max():
            flat.append(lead)
            continue
        if (seconds := measure_longest_run(np.diff(column) == 0) / record.fs) >= FLAT_SECONDS:
            still.append(f"{lead} {seconds:.1f} s")
        if any(is_clipped(column == extreme, record.fs) for extreme in (valid.min(), valid.max())):
            clipped.append(lead)
    texts = {
        f"no valid sample (NaN) in places, of {len(record.signal)}": missing,
        "flat lead": flat,
        "stands still in lead": still,
        "saturated in lead": clipped,
    }
    return [f"{text}: {', '.join(leads)}" for text, leads in texts.items() if leads]


def is_clipped(at_extreme: np.ndarray, fs: float) -> bool:
    """Whether a lead stays at its extreme value longer than an ECG does: bool (samples,), fs in Hz.

    One long stretch is enough, or many short ones of at least three samples.
    """
    if measure_longest_run(at_extreme) >= max(4, CLIPPED_SECONDS * fs):
        return True
    in_runs = at_extreme[:-2] & at_extreme[1:-1] & at_extreme[2:]
    return in_runs.sum() >= CLIPPED_FRACTION * len(at_extreme)


def measure_longest_run(mask: np.ndarray) -> np.int64:
    """The longest run of True in bool (n,)."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return (edges[1::2] - edges[::2]).max(initial=0)


def find_missing_leads(leads: dict[str, tuple[str, ...]], usual: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Recordings that lack a lead of the database's `usual` ones; where that is (), of those that nine in ten have."""
    usual = _usual(leads) if usual == () else usual
    missing = {name: [lead for lead in usual or () if lead not in own] for name, own in leads.items()}
    return [(name, f"missing lead: {', '.join(lacks)}") for name, lacks in missing.items() if lacks]


def find_unusual_rates(rates: dict[str, float], usual: float | None) -> list[tuple[str, str]]:
    """Recordings whose sampling rate is not the database's `usual` one, else that which nine in ten have, in Hz."""
    usual = usual or _usual(rates)
    return [(name, f"{rate:g} Hz, not {usual:g} Hz") for name, rate in rates.items() if usual and rate != usual]


def _usual(values: dict):
    """The value of at least nine in ten, else None."""
    if not values:
        return None
    value, count = Counter(values.values()).most_common(1)[0]
    return value if count >= 0.9 * len(values) else None
