"""From the signals of a file to those of a recording: which are ECG leads, and in which unit they are."""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from ecg_edge.records.record import STANDARD_LEADS, Entry, Record, standard_lead, standard_lead_names
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.units import NORMALISED, find_unit

ECG_NAME = re.compile(
    r"(ecg|ekg|mdc_ecg|lead).*|-?av[rlf]|(m?l?|d|m)i{1,3}|(ml?)?v\d{1,2}r?|c[cm]\d|m?c?l\d|[xyz]|[eai]s", re.IGNORECASE
)
OTHER_NAME = re.compile(  # EDF+'s types of signals and those of monitors and sleep studies
    r"(eeg|emg|eog|erg|egg|ep|meg|mcg|resp|temp|sao2|spo2|light|sound|event|pleth|ppg|flow|acc|art|abp|cvp|hr|pr|rr)"
    r"([ _:\-\d]|$)",
    re.IGNORECASE,
)
LARGEST_VALUES = 2**30  # samples times leads: 4 GiB of signal


@dataclasses.dataclass(frozen=True)
class FileSignal:
    """One signal of a file.

    Attributes:
        name: Its name in the file.
        unit: Its unit in the file; "" where none is stated.
        fs: Its sampling rate, Hz.
        samples: Its length.
    """

    name: str
    unit: str
    fs: float
    samples: int


def select_leads(
    path: str, signals: Sequence[FileSignal], entry: Entry, all_leads: bool = False
) -> tuple[list[int], list[float], str]:
    """Select the ECG leads among the signals of a file.

    Where some signals are called ECG or as a lead is, the others are left out; so are signals that are called otherwise
    (EEG, Resp), that are no voltages, and those of a lower sampling rate than the fastest lead. Signals in normalised
    units are leads where no lead is a voltage.

    Args:
        path: The file, for messages.
        signals: Its signals.
        entry: Its entry. A unit stated there holds for signals without unit.
        all_leads: Whether signals whose names say nothing are leads beside those that are called ECG.

    Returns:
        The indices of the leads in `signals`; what the values of each are multiplied by; and the unit that this makes:
        "mV" or "NU" (normalised units).

    Raises:
        RecordError: No signal can be an ECG lead, a unit is missing or not the stated one, or they are too long.
    """
    renamed = {standard_lead(old) for old, _ in entry.stated.rename_leads}
    names = [standard_lead(s.name) for s in signals]
    called = [i for i, name in enumerate(names) if ECG_NAME.fullmatch(name) or name in {*STANDARD_LEADS, *renamed}]
    columns = [i for i, s in enumerate(signals) if i in called or not OTHER_NAME.match(s.name)]
    if called and not all_leads:
        columns = called
    if not columns:
        raise RecordError(f"{path} has no ECG lead: its signals are {_list(s.name for s in signals)}")
    stated = entry.stated.units
    found = {i: unit for i in columns if (unit := find_unit(signals[i].unit or stated))}
    for i in found:
        if stated and found[i] != find_unit(stated):
            raise RecordError(
                f"{path} states {signals[i].unit} for {signals[i].name}, not {stated}: leave units (--units) out"
            )
    kinds = {kind for kind, _ in found.values()}
    kind = "mV" if "mV" in kinds else NORMALISED
    columns = [i for i in found if found[i][0] == kind]
    if not columns:
        units = _list(s.unit or "not stated" for s in signals)
        raise RecordError(
            f"{path} has no lead in a unit of voltage (units of its signals: {units}): where it is missing, state it "
            "with units (--units)"
        )
    highest = max(signals[i].fs for i in columns)
    columns = [i for i in columns if signals[i].fs == highest]
    if sum(signals[i].samples for i in columns) > LARGEST_VALUES:
        raise RecordError(f"{path} holds more than {LARGEST_VALUES} samples: cut it into parts")
    return columns, [found[i][1] for i in columns], kind


def make_record(path: str, names: Sequence[str], signal: np.ndarray, fs: float, entry: Entry, units: str) -> Record:
    """Make the record of a file, after a last look at its numbers.

    Args:
        path: The file, for messages.
        names: The leads' names in the file.
        signal: float32 (samples, leads) in `units`.
        fs: Sampling rate, Hz.
        entry: Gives the record's name, patient and labels.
        units: "mV" or "NU" (normalised units).

    Returns:
        The record.

    Raises:
        RecordError: No samples, infinite values or an impossible rate.
    """
    if not signal.size:
        raise RecordError(f"{path} holds no samples")
    if not (np.isfinite(fs) and 0 < fs <= 1e6):
        raise RecordError(f"{path}: sampling rate {fs} Hz is not possible")
    if np.isinf(signal).any():
        raise RecordError(f"{path} holds values beyond all numbers (infinite)")
    leads = standard_lead_names(names)
    return Record(entry.name, entry.patient, signal, float(fs), leads, entry.labels, units=units)


def to_float32(values: np.ndarray) -> np.ndarray:
    """Values as float32; infinite where they are too large, which `make_record` refuses."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _list(names, most: int = 12) -> str:
    """Names for a message."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
