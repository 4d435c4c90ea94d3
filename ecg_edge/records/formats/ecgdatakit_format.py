"""Formats that ecgdatakit decodes: what it returns is verified, and refused where it is not certain.

ecgdatakit 2.0.3 neither filters nor resamples nor computes leads, and keeps the samples as stored with a scale beside
them. It rounds sampling rates to whole Hz and only warns of wrong checksums, truncated data and missing units; each
format here states its exact rate, and a wrong checksum is an error.
"""

import abc
import dataclasses
import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.extras import require
from ecg_edge.records.formats.lead_signals import FileSignal, make_record, select_leads, to_float32
from ecg_edge.records.formats.record_format import SingleFileFormat
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError, describe_error

DERIVED_LIMB_LEADS = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}  # of I and II


class EcgdatakitFormat(SingleFileFormat):
    """A format that ecgdatakit decodes.

    Attributes:
        parser: Module and class below ecgdatakit.parsing.parsers.
    """

    parser: str

    def read(self, stem: Path, entry: Entry) -> Record:
        path, _ = self.open_main_file(stem)
        require("formats", f"reading {self.name} files")
        self.inspect(path)
        parsed = _parse(path, self.parser, self.name)
        leads = parsed.leads
        try:
            fs = float(self.find_fs(parsed))
            starts = [self.find_start(lead) for lead in leads]
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, ZeroDivisionError) as error:
            raise RecordError(f"{path} is damaged: its sampling rate is missing ({describe_error(error)})") from None
        units = [(lead.resolution_unit if lead.is_raw else lead.units) or "" for lead in leads]
        signals = [FileSignal(s.label, unit, fs, len(s.samples)) for s, unit in zip(leads, units, strict=True)]
        if not signals:
            raise RecordError(f"{path} holds no leads")
        columns, millivolts, unit = select_leads(path, signals, entry)
        names = [leads[i].label for i in columns]
        stops = [starts[i] + len(leads[i].samples) for i in columns]
        if len({leads[i].sampling_rate for i in columns}) > 1 or (len(set(stops)) > 1 and not any(starts)):
            lengths = ", ".join(f"{name} {stop}" for name, stop in zip(names, stops, strict=True))
            raise RecordError(f"{path} is damaged: its leads have different lengths or rates (samples: {lengths})")
        samples = max(stops) - min(starts[i] for i in columns)
        if samples * len(columns) > 4 * sum(len(leads[i].samples) for i in columns):
            raise RecordError(f"{path} is damaged: its leads lie too far apart")
        signal = np.full((samples, len(columns)), np.nan, np.float32)
        for column, (i, scale) in enumerate(zip(columns, millivolts, strict=True)):
            start = starts[i] - min(starts[i] for i in columns)
            signal[start : start + len(leads[i].samples), column] = _scale(leads[i], scale)
        return self.complete(make_record(path, names, signal, fs, entry, unit))

    def inspect(self, path: str) -> None:
        """Refuse a hostile file before it is decoded. Raises RecordError."""

    @abc.abstractmethod
    def find_fs(self, parsed: Any) -> float:
        """The exact sampling rate of ecgdatakit's `parsed` record in Hz."""

    def find_start(self, lead: Any) -> int:
        """The first sample of one of ecgdatakit's leads, by the file's own clock."""
        return 0

    def complete(self, record: Record) -> Record:
        """Add what the format leaves out because it follows from the rest."""
        return record


def add_limb_leads(record: Record) -> Record:
    """Compute III, aVR, aVL and aVF of a recording that has I and II and none of the four.

    III = II − I, aVR = −(I + II) / 2, aVL = I − II / 2, aVF = II − I / 2: Einthoven's and Goldberger's definitions.

    Args:
        record: The recording.

    Returns:
        The recording, with the four leads behind aVF's place in the standard order; else as it was.
    """
    signal, names = record.signal, list(record.leads)
    if signal is None or not {"I", "II"} <= set(names) or set(names) & set(DERIVED_LIMB_LEADS):
        return record
    one, two = signal[:, names.index("I")], signal[:, names.index("II")]
    derived = [np.float32(a) * one + np.float32(b) * two for a, b in DERIVED_LIMB_LEADS.values()]
    at = names.index("II") + 1
    columns = np.column_stack([signal[:, :at], *derived, signal[:, at:]])
    return dataclasses.replace(record, signal=columns, leads=(*names[:at], *DERIVED_LIMB_LEADS, *names[at:]))


def _parse(path: str, parser: str, name: str) -> Any:
    """What ecgdatakit makes of a file. Raises RecordError: it cannot read it, or says that something is damaged."""
    module, _, class_name = parser.partition(".")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            parsed = getattr(importlib.import_module(f"ecgdatakit.parsing.parsers.{module}"), class_name)().parse(
                Path(path)
            )
    except Exception as error:  # of a damaged file almost any
        text = describe_error(error).replace(path, "it")
        raise RecordError(f"{path} is damaged, or no {name} file that can be read: {text}") from None
    _refuse_warnings(path, caught)
    return parsed


def _refuse_warnings(path: str, caught: Sequence[warnings.WarningMessage]) -> None:
    """Raise RecordError where ecgdatakit warned of a wrong checksum or missing data."""
    for warning in caught:
        text = " ".join(str(warning.message).split())
        if warning.category.__name__ == "ChecksumWarning" or "truncated" in text:
            raise RecordError(f"{path} is damaged: {text[:160]}")


def _scale(lead: Any, millivolts: float) -> np.ndarray:
    """The samples of one of ecgdatakit's leads in mV, float32."""
    samples = np.asarray(lead.samples, np.float64)
    if lead.is_raw and lead.resolution_unit:
        samples = samples * lead.resolution + lead.offset
    return to_float32(samples * millivolts)
