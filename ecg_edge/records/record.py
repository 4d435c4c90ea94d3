"""Record: one ECG recording, whatever database it comes from. Entry: what is known of it before its signal is read."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np

from ecg_edge.records.signal_description import NOTHING_STATED, SignalDescription
from firmware_bench.runtime.errors import InputError

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# Names of the twelve leads in lower case, after the words of LEAD_PREFIX. "-aVR", "MLII", "C1" are other leads.
LEAD_ALIASES = {lead.lower(): lead for lead in STANDARD_LEADS} | {"di": "I", "dii": "II", "diii": "III"}
LEAD_PREFIX = re.compile(
    r"^(mdc_ecg_lead_|((ecg|ekg)[ _-])?(lead|ableitung|d[ée]rivation|derivaci[óo]n|derivazione)[ _-]?|(ecg|ekg)[ _-])"
)
UNNAMED_LEAD = re.compile(r"(ecg|ekg|lead|channel|ch|signal)?[ _]?\d*", re.IGNORECASE)
# Rhythms by their code in WFDB annotation files, https://archive.physionet.org/physiobank/annotations.shtml.
RHYTHM_CODES = {
    "AB": "atrial bigeminy",
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "B": "ventricular bigeminy",
    "BII": "second-degree heart block",
    "IVR": "idioventricular rhythm",
    "N": "normal sinus rhythm",
    "NOD": "nodal (A-V junctional) rhythm",
    "P": "paced rhythm",
    "PREX": "pre-excitation (WPW)",
    "SBR": "sinus bradycardia",
    "SVTA": "supraventricular tachyarrhythmia",
    "T": "ventricular trigeminy",
    "VF": "ventricular fibrillation",
    "VFL": "ventricular flutter",
    "VT": "ventricular tachycardia",
}

# The classes of ANSI/AAMI EC57 for the WFDB beat codes, as in de Chazal et al. 2004: escape beats (e, j, n) are N. A
# stands for the standard's S, supraventricular ectopic; F is the fusion of a normal and a ventricular beat; Q is paced,
# fused with a paced beat, unclassifiable or not classified.
CODES = {"N": "NLRBejn", "A": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}
AAMI = {code: name for name, codes in CODES.items() for code in codes}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of a database's index: all that is known about a recording without reading its signal.

    Attributes:
        name: Unique within its database.
        path: The recording without suffix, relative to the database's folder.
        patient: Recordings of the same patient are never in different parts of a split.
        labels: The first is the primary one; empty where the database labels beats or intervals only.
        statements: The SCP-ECG codes that the labels sum up, in PTB-XL and tables of such codes.
        fold: The database's official fold, 1 … 10, or None.
        part: "train" or "test" where a published split puts the recording there, else None.
        normal: Whether its database labels the recording as normal and nothing else.
        person: The patient among those of all databases, such as "mitdb/118": equal for the same person in a database
            and in one derived from it. "" where the patient's name says nothing outside its folder.
        source: The recording among those of all databases, such as "ptbxl/9", where several hold it; else "".
        stated: What is stated about the signal for files that do not say it themselves.
    """

    name: str
    path: str
    patient: str
    labels: tuple[str, ...] = ()
    fold: int | None = None
    part: str | None = None
    normal: bool = False
    person: str = ""
    source: str = ""
    stated: SignalDescription = NOTHING_STATED
    statements: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Beats:
    """Beat annotations in time order.

    Attributes:
        samples: int64 (n,), indices of the R peaks.
        symbols: (n,), WFDB beat codes.
    """

    samples: np.ndarray
    symbols: np.ndarray


@dataclasses.dataclass(frozen=True)
class RhythmInterval:
    """An interval of one rhythm.

    Attributes:
        start: First sample.
        stop: The sample after the last one.
        rhythm: A key of RHYTHM_CODES, or the database's own code where none fits.
    """

    start: int
    stop: int
    rhythm: str


@dataclasses.dataclass(frozen=True)
class Record:
    """One recording.

    Attributes:
        name: As its entry's.
        patient: As its entry's.
        signal: float32 (samples, leads) in `units`, NaN where no sample was taken; None where there are annotations
            only.
        fs: Sampling rate in Hz.
        leads: Lead names as the standard spells them.
        labels: As its entry's.
        beats: Annotated beats, None where the recording has no annotations.
        rhythms: Annotated rhythm intervals in time order.
        units: "mV", or "NU" (normalised units) where the amplitude is lost.
        header_samples: Length in samples where there is no signal.
    """

    name: str
    patient: str
    signal: np.ndarray | None
    fs: float
    leads: tuple[str, ...]
    labels: tuple[str, ...] = ()
    beats: Beats | None = None
    rhythms: tuple[RhythmInterval, ...] = ()
    units: str = "mV"
    header_samples: int = 0

    @property
    def samples(self) -> int:
        """Length in samples."""
        return self.header_samples if self.signal is None else len(self.signal)

    @property
    def seconds(self) -> float:
        """Duration in s."""
        return self.samples / self.fs

    def positional_leads(self) -> tuple[str, ...]:
        """Name its leads by their position: "lead 1", "lead 2", …"""
        return tuple(f"lead {column + 1}" for column in range(len(self.leads)))

    def put_leads_first(self, first: Sequence[str]) -> Self:
        """Order the leads: those of `first` that are there come first, in that order; the others keep theirs."""
        order = [self.leads.index(lead) for lead in first if lead in self.leads]
        order += [column for column in range(len(self.leads)) if column not in order]
        if order == list(range(len(self.leads))):
            return self
        signal = None if self.signal is None else self.signal[:, order]
        return dataclasses.replace(self, signal=signal, leads=tuple(self.leads[column] for column in order))

    def select_leads(self, leads: tuple[str, ...]) -> np.ndarray:
        """Select the signals of some leads.

        Args:
            leads: As for `find_columns`.

        Returns:
            float32 (samples, len(leads)), in the order of `leads`; a view of the signal where these are all its leads.

        Raises:
            InputError: A lead is missing, or the recording has no signal.
        """
        columns = self.find_columns(leads)
        assert self.signal is not None
        return self.signal if columns == list(range(len(self.leads))) else self.signal[:, columns]

    def find_columns(self, leads: Sequence[str]) -> list[int]:
        """Find the columns of the signal that hold some leads.

        Args:
            leads: Names, in any case, or positions: "lead 1" is the recording's first lead whatever its name, for
                databases whose leads differ from recording to recording. A recording whose only lead has no proper name
                (a wearable's "ECG") serves any single lead.

        Returns:
            The column of each of `leads`.

        Raises:
            InputError: A lead is missing, or the recording has no signal.
        """
        if self.signal is None:
            raise InputError(f"record {self.name} has annotations alone: fetch its signal file to use the ECG")
        own = {lead.lower(): column for column, lead in enumerate(self.leads)}
        own |= {lead: column for column, lead in enumerate(self.positional_leads())}
        if len(self.leads) == len(leads) == 1 and UNNAMED_LEAD.fullmatch(self.leads[0]):
            return [0]
        wanted = [lead.lower() if lead.lower() in own else standard_lead(lead).lower() for lead in leads]
        for lead, spelt in zip(leads, wanted, strict=True):
            if spelt not in own:
                raise InputError(
                    f"record {self.name}: no lead {lead!r}: there is {', '.join(self.leads)}. Where one of them is it "
                    f"under another name, say so: --rename-lead 'NAME={lead}' (rename_leads in Python)"
                )
        return [own[lead] for lead in wanted]


def standard_lead(name: str) -> str:
    """Spell a lead name as the standard does.

    Args:
        name: The name in a file: "AVR", "Lead I", "DI", "ECG II", "MDC_ECG_LEAD_V1".

    Returns:
        The standard's name: "aVR", "I", "I", "II", "V1"; other names stay as they are: "MLII", "-aVR", "ECG1".
    """
    own = name.strip()
    return LEAD_ALIASES.get(LEAD_PREFIX.sub("", own.lower()), own)


def standard_lead_names(names: Iterable[str | None]) -> tuple[str, ...]:
    """Spell a recording's lead names as the standard does; a name that occurs twice is numbered: "ECG 1", "ECG 2"."""
    spelt = [standard_lead(name or f"lead {i}") for i, name in enumerate(names, start=1)]
    earlier = [spelt[:i].count(name) for i, name in enumerate(spelt)]
    return tuple(
        name if spelt.count(name) == 1 else f"{name} {count + 1}" for name, count in zip(spelt, earlier, strict=True)
    )
