"""Who and what a model has learnt from: the people, recordings and signals of its train and validation part.

Names say little across data sets: a recording may lie in another database, under another name, in a union. Therefore
three things are compared: the person and the recording among those of all databases (`Entry.person`, `Entry.source`),
and the signal itself. All are kept as hashes, so that a run can be given away without the names of its patients.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ecg_edge.records.record import Entry
from ecg_edge.records.split import PARTS, find_side

FEWEST_VALUES = 10  # a lead of fewer different values, a flat one say, is like that of other recordings


@dataclasses.dataclass(frozen=True)
class Identities:
    """Hashes of people, recordings and leads.

    Attributes:
        people: Of `Entry.person`.
        recordings: Of `Entry.source`.
        signals: Of leads, as `digest_leads` returns them; None where they are not known (runs of 0.1.0).
    """

    people: frozenset[str]
    recordings: frozenset[str]
    signals: frozenset[str] | None

    @classmethod
    def of(cls, entries: Iterable[Entry], digests: Mapping[str, Collection[str]] | None) -> "Identities":
        """Collect those of recordings.

        Args:
            entries: The recordings.
            digests: Name of a recording → hashes of its leads; None where they are not known.
        """
        entries = list(entries)
        signals = None if digests is None else {lead for entry in entries for lead in digests.get(entry.name, ())}
        return cls(
            frozenset(_hash(entry.person) for entry in entries if entry.person),
            frozenset(_hash(entry.source) for entry in entries if entry.source),
            None if signals is None else frozenset(signals),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        fields = dataclasses.asdict(self)
        return {name: None if values is None else sorted(values) for name, values in fields.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Identities":
        """The inverse of `to_dict`. Raises KeyError, TypeError: these are no identities."""
        signals = values["signals"]
        return cls(
            frozenset(values["people"]),
            frozenset(values["recordings"]),
            None if signals is None else frozenset(signals),
        )

    def join(self, other: "Identities") -> "Identities":
        """Those of both; signals are unknown where they are unknown in one."""
        signals = None if self.signals is None or other.signals is None else self.signals | other.signals
        return Identities(self.people | other.people, self.recordings | other.recordings, signals)

    def find_shared(self, entries: Sequence[Entry], digests: Mapping[str, Collection[str]]) -> dict[str, str]:
        """Find the recordings that are among these, or of a person who is.

        Args:
            entries: The recordings to compare.
            digests: Name of a recording → hashes of its leads.

        Returns:
            Name of each that is shared → "recording", "patient" or "signal": by what it was recognised first. The other
            recordings of a patient who has a shared one are shared by "patient".
        """
        found: dict[str, str] = {}
        for entry in entries:
            if entry.source and _hash(entry.source) in self.recordings:
                found[entry.name] = "recording"
            elif entry.person and _hash(entry.person) in self.people:
                found[entry.name] = "patient"
            elif self.signals and not self.signals.isdisjoint(digests.get(entry.name, ())):
                found[entry.name] = "signal"
        patients = {entry.patient for entry in entries if entry.name in found}
        return {entry.name: "patient" for entry in entries if entry.patient in patients} | found


def digest_leads(signal: np.ndarray | None) -> tuple[str, ...]:
    """Hash each lead of a recording by the order of its values.

    The order is the same in any unit, with any gain and offset, and whatever other leads there are. Filtering,
    resampling and cutting change it.

    Args:
        signal: (samples, leads), None where there are annotations only.

    Returns:
        16 hexadecimal digits of each lead that identifies a recording; a flat one does not.
    """
    digests = []
    for lead in () if signal is None else signal.T:
        values, ranks = np.unique(lead, return_inverse=True)
        if len(values) >= FEWEST_VALUES:
            digests.append(hashlib.blake2b(ranks.astype("<u4").tobytes(), digest_size=8).hexdigest())
    return tuple(digests)


def find_copies(entries: Sequence[Entry], digests: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Find recordings whose signal is that of an earlier one.

    Args:
        entries: The recordings.
        digests: Name of a recording → hashes of its leads.

    Returns:
        Name of each copy → name of the first recording with that signal.
    """
    first: dict[str, str] = {}
    copies: dict[str, str] = {}
    for entry in entries:
        leads = digests.get(entry.name, ())
        original = next((first[lead] for lead in leads if lead in first), None)
        if original:
            copies[entry.name] = original
        for lead in leads:
            first.setdefault(lead, original or entry.name)
    return copies


def merge_copies(entries: Sequence[Entry], copies: Mapping[str, str]) -> list[Entry]:
    """Take care that a split does not divide copies of a recording.

    A copy is left out, and the patients of both are taken for one person. Where folds or a published split say on which
    side a recording is, both stay if they are on one side; else the one that tests or validates stays.

    Args:
        entries: The recordings.
        copies: As `find_copies` returns them.

    Returns:
        The recordings to split, patients renamed where needed.
    """
    by_name = {entry.name: entry for entry in entries}
    sides = {entry.name: find_side(entry) for entry in entries}
    fixed = None not in sides.values()
    left_out: set[str] = set()
    same: dict[str, str] = {}

    def resolve(patient: str) -> str:
        while patient in same:
            patient = same[patient]
        return patient

    for pair in copies.items():
        earlier, later = sorted(pair, key=lambda name: PARTS.index(sides[name] or "train"))
        if fixed and sides[earlier] != sides[later]:
            left_out.add(earlier)
            continue
        if not fixed:
            left_out.add(pair[0])
        copy, original = (resolve(by_name[name].patient) for name in pair)
        if copy != original:
            same[copy] = original
    kept = [entry for entry in entries if entry.name not in left_out]
    return [dataclasses.replace(entry, patient=resolve(entry.patient)) for entry in kept]


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
