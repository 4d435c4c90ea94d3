"""Train, validation and test parts: by patient, so that nobody is on two sides."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

PARTS = ("train", "validation", "test")
OFFICIAL = dict.fromkeys(range(1, 9), "train") | {9: "validation", 10: "test"}  # PTB-XL's recommendation


def split(
    entries: Iterable[Entry], seed: int, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), strict: bool = True
) -> dict[str, list[str]]:
    """Record names by part, sorted. The same for the same entries and seed, in whatever order they come.

    Where every entry has an official fold: 1–8 train, 9 validation, 10 test. Where every entry has a published part:
    that part, but a tenth of the training patients, drawn by lot, validates. A published test recording of a training
    patient is in no part; with `strict=False` it stays in the test part, as published. Else patients are dealt out by
    lot, stratified by the first label; a class of three or more patients is in every part (unless its patients have
    rarer classes too, which are dealt out first), one of two in train and test.

    Raises InputError for fewer than 3 patients, and where a part stays empty.
    """
    entries = list(entries)
    if entries and all(entry.fold is not None for entry in entries):
        part_of_patient = _official(entries)
    elif entries and all(entry.part is not None for entry in entries):
        return _published(entries, seed, fractions, strict)
    else:
        part_of_patient = _stratified(entries, seed, fractions)
    return _names(entries, lambda entry: part_of_patient[entry.patient])


def find_unassigned(entries: Iterable[Entry], parts: dict[str, list[str]]) -> list[str]:
    """Names of the `entries` that are in none of the `parts`, sorted."""
    return sorted({entry.name for entry in entries}.difference(*parts.values()))


def _names(entries: list[Entry], part_of: Callable[[Entry], str | None]) -> dict[str, list[str]]:
    """Record names by part, sorted; an entry whose part is None is left out."""
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for entry in entries:
        if part := part_of(entry):
            parts[part].append(entry.name)
    for part, names in parts.items():
        if not names:
            patients = len({entry.patient for entry in entries})
            raise InputError(f"{len(entries)} recordings of {patients} patients leave the {part} part empty")
    return {part: sorted(names) for part, names in parts.items()}


def _official(entries: list[Entry]) -> dict[str, str]:
    part_of: dict[str, str] = {}
    for entry in entries:
        part = OFFICIAL[entry.fold]
        if part_of.setdefault(entry.patient, part) != part:
            other = part_of[entry.patient]
            raise InputError(f"patient {entry.patient} has recordings in folds of the {other} and of the {part} part")
    return part_of


def _published(entries: list[Entry], seed: int, fractions, strict: bool) -> dict[str, list[str]]:
    """The published parts with validation patients drawn from the training part."""
    trained = sorted({entry.patient for entry in entries if entry.part == "train"}, key=lambda name: _lot(seed, name))
    tested = {entry.patient for entry in entries if entry.part == "test"}
    wanted = max(1, round(len(trained) * fractions[1]))
    # Somebody who is on both published sides trains: to validate with a test patient would tune for the test.
    validating = set([patient for patient in trained if patient not in tested][:wanted])

    def part_of(entry: Entry) -> str | None:
        if entry.part == "train":
            return "validation" if entry.patient in validating else "train"
        return None if strict and entry.patient in trained else "test"

    return _names(entries, part_of)


def _stratified(entries: list[Entry], seed: int, fractions: tuple[float, float, float]) -> dict[str, str]:
    patients_of = defaultdict(set)
    for entry in entries:
        patients_of[entry.labels[0] if entry.labels else ""].add(entry.patient)
    part_of: dict[str, str] = {}
    # The rarest class first, while its patients are still free: one patient may have recordings of several classes.
    for label in sorted(patients_of, key=lambda label: (len(patients_of[label]), label)):
        patients = sorted(patients_of[label], key=lambda patient: _lot(seed, patient))
        wanted = _sizes(len(patients), fractions)
        dealt = Counter(part_of[patient] for patient in patients if patient in part_of)
        open_places = [part for part in ("train",) if not dealt[part]]  # at least one to learn from
        for part in ("validation", "test", "train"):
            open_places += [part] * (wanted[part] - dealt[part] - open_places.count(part))
        open_places += ["train"] * len(patients)
        part_of.update(zip([patient for patient in patients if patient not in part_of], open_places, strict=False))
    return part_of


def _sizes(patients: int, fractions: tuple[float, float, float]) -> dict[str, int]:
    """How many of a class's `patients` go to each part."""
    validation, test = (max(1, round(patients * fraction)) for fraction in fractions[1:])
    if patients < 3:
        validation, test = 0, patients // 2
    return {"train": patients - validation - test, "validation": validation, "test": test}


def _lot(seed: int, patient: str) -> bytes:
    """A patient's place in the draw: of its own, so that it does not depend on who else is there."""
    return hashlib.blake2b(f"{seed}/{patient}".encode()).digest()
