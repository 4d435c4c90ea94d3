"""Split recordings into train, validation and test parts by patient, so that no patient is in two parts."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

PARTS = ("train", "validation", "test")
# PTB-XL's recommendation
OFFICIAL: dict[int | None, str] = {**dict.fromkeys(range(1, 9), "train"), 9: "validation", 10: "test"}


def split(
    entries: Iterable[Entry],
    seed: int,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    strict: bool = True,
    contents: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, list[str]]:
    """Split recordings by patient.

    Where every entry has an official fold: 1–8 train, 9 validation, 10 test. Where every entry has a published part:
    that part, but randomly drawn training patients validate. A published test recording of a training patient is in no
    part. Otherwise patients are drawn at random, stratified by the first label; a class of three or more patients is in
    every part (unless its patients have rarer classes too, which are drawn first), one of two in train and test.

    Then training and validation patients are exchanged until each class of `contents` is validated, as far as several
    patients have it. The test part does not depend on `contents`: with one seed it is the same for every task.

    Args:
        entries: The recordings, in any order.
        seed: The same entries and seed give the same split.
        fractions: Of the patients in the train, validation and test part.
        strict: False keeps a published test recording of a training patient in the test part, as published.
        contents: Name of a recording → class → how often it occurs there, for recordings with beats or rhythms. By
            default a recording has each of its labels once.

    Returns:
        Part → its record names, sorted.

    Raises:
        InputError: There are fewer than 3 patients, a part stays empty, or a patient is in folds of two parts.
    """
    entries = list(entries)
    counts = count_by_patient(entries, contents)
    if entries and all(entry.fold is not None for entry in entries):
        part_of_patient = _assign_official(entries)
    elif entries and all(entry.part is not None for entry in entries):
        return _split_published(entries, seed, fractions, strict, counts)
    else:
        part_of_patient = _assign_stratified(entries, seed, fractions)
        _cover_classes(part_of_patient, counts, fractions[1], seed)
    return _collect_parts(entries, lambda entry: part_of_patient[entry.patient])


def count_by_patient(
    entries: Iterable[Entry], contents: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Counter[str]]:
    """Count what the recordings of each patient hold: patient → class → count; contents: as for `split`."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        counts[entry.patient].update(dict.fromkeys(entry.labels, 1) if contents is None else contents[entry.name])
    return counts


def find_side(entry: Entry) -> str | None:
    """The part in which a recording's fold or the published split puts it, None where neither does."""
    return OFFICIAL[entry.fold] if entry.fold is not None else entry.part


def describe_split(entries: Iterable[Entry], seed: int) -> str:
    """Describe how `split` divides the `entries`: by the data's own folds or parts, or at random."""
    entries = list(entries)
    folds, parts = (sum(getattr(entry, own) is not None for entry in entries) for own in ("fold", "part"))
    if folds == len(entries):
        return "split by the folds of the data: 1 to 8 train, 9 validates, 10 tests"
    if parts == len(entries):
        return f"split as the data say, validation patients drawn from the training part with seed {seed}"
    unused = f"; {folds or parts} of {len(entries)} state a part, which does not count" if folds or parts else ""
    return f"split by patient, drawn with seed {seed}{unused}"


def find_unassigned(entries: Iterable[Entry], parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Find the names of the `entries` that are in none of the `parts`, sorted."""
    return sorted({entry.name for entry in entries}.difference(*parts.values()))


def _collect_parts(entries: list[Entry], part_of: Callable[[Entry], str | None]) -> dict[str, list[str]]:
    """Record names by part, sorted; an entry whose part is None is left out."""
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for entry in entries:
        if part := part_of(entry):
            parts[part].append(entry.name)
    for part, names in parts.items():
        if not names:
            patients = len({entry.patient for entry in entries})
            text = f"{len(entries)} recordings of {patients} patients leave the {part} part empty"
            if entries and all(entry.fold is not None for entry in entries):
                folds = ", ".join(map(str, sorted({entry.fold or 0 for entry in entries})))
                text += f": folds 1 to 8 train, 9 validates, 10 tests, and the data have {folds}"
            raise InputError(text)
    return {part: sorted(names) for part, names in parts.items()}


def _assign_official(entries: list[Entry]) -> dict[str, str]:
    part_of: dict[str, str] = {}
    for entry in entries:
        part = OFFICIAL[entry.fold]
        if part_of.setdefault(entry.patient, part) != part:
            other = part_of[entry.patient]
            raise InputError(f"patient {entry.patient} has recordings in folds of the {other} and of the {part} part")
    return part_of


def _split_published(entries: list[Entry], seed: int, fractions, strict: bool, counts) -> dict[str, list[str]]:
    """The published parts with validation patients drawn from the training part."""
    in_training = {entry.patient for entry in entries if entry.part == "train"}
    train_patients = sorted(in_training, key=lambda patient: rank(seed, patient))
    test_patients = {entry.patient for entry in entries if entry.part == "test"}
    wanted = max(1, round(len(train_patients) * fractions[1]))
    # A patient in both published parts trains: validating with a test patient would tune for the test.
    free = [patient for patient in train_patients if patient not in test_patients]
    part_of_patient = {patient: "validation" if patient in free[:wanted] else "train" for patient in free}
    _cover_classes(part_of_patient, counts, fractions[1], seed)

    def part_of(entry: Entry) -> str | None:
        if entry.part == "train":
            return part_of_patient.get(entry.patient, "train")
        return None if strict and entry.patient in in_training else "test"

    return _collect_parts(entries, part_of)


def _cover_classes(part_of: dict[str, str], counts: Mapping[str, Counter[str]], share: float, seed: int) -> None:
    """Exchange training and validation patients until each class is validated, where that can be.

    A class is validated where the part has half of its `share` of it, and one patient takes no more than half of the
    training part's examples of a class away. Where no patient can go back, the validation part grows. What validation
    patients alone have is trained.

    Args:
        part_of: Patient → part, changed in place.
        counts: Patient → class → how often it occurs.
        share: Of the validation part.
        seed: Of the split.
    """
    patients = [patient for patient, part in part_of.items() if part != "test"]
    patients.sort(key=lambda patient: rank(seed, patient))
    holders: dict[str, list[str]] = defaultdict(list)
    for patient in patients:
        for label in +counts[patient]:
            holders[label].append(patient)

    def total(label: str, part: str) -> int:
        return sum(counts[patient][label] for patient in holders[label] if part_of[patient] == part)

    def is_dispensable(patient: str) -> bool:
        own = +counts[patient]
        return all(total(label, "validation") - count >= enough[label] for label, count in own.items())

    enough = {label: math.ceil(share / 2 * (total(label, "train") + total(label, "validation"))) for label in holders}
    for label, own in holders.items():
        if total(label, "train") == 0 and Counter(part_of.values())["validation"] > 1:
            part_of[max(own, key=lambda patient: counts[patient][label])] = "train"
    added: set[str] = set()
    for label in sorted(holders, key=lambda label: (len(holders[label]), label)):  # the rarest first
        most = total(label, "train") / 2
        training = [patient for patient in holders[label] if part_of[patient] == "train"]
        givers = [patient for patient in training if counts[patient][label] <= most]
        if total(label, "validation") >= enough[label] or not givers:
            continue
        chosen = next((patient for patient in givers if counts[patient][label] >= enough[label]), None)
        chosen = chosen or max(givers, key=lambda patient: counts[patient][label])
        part_of[chosen] = "validation"
        added.add(chosen)
        validating = [patient for patient in patients if part_of[patient] == "validation" and patient not in added]
        if back := next(filter(is_dispensable, validating), None):
            part_of[back] = "train"


def _assign_stratified(entries: list[Entry], seed: int, fractions: tuple[float, float, float]) -> dict[str, str]:
    patients_of = defaultdict(set)
    for entry in entries:
        patients_of[entry.labels[0] if entry.labels else ""].add(entry.patient)
    part_of: dict[str, str] = {}
    # The rarest class first, while its patients are still free: one patient may have recordings of several classes.
    for label in sorted(patients_of, key=lambda label: (len(patients_of[label]), label)):
        patients = sorted(patients_of[label], key=lambda patient: rank(seed, patient))
        wanted = _count_wanted(len(patients), fractions)
        assigned = Counter(part_of[patient] for patient in patients if patient in part_of)
        free_places = [part for part in ("train",) if not assigned[part]]  # at least one to learn from
        for part in ("validation", "test", "train"):
            free_places += [part] * (wanted[part] - assigned[part] - free_places.count(part))
        free_places += ["train"] * len(patients)
        part_of.update(zip([patient for patient in patients if patient not in part_of], free_places, strict=False))
    return part_of


def _count_wanted(patients: int, fractions: tuple[float, float, float]) -> dict[str, int]:
    """How many of a class's `patients` go to each part."""
    validation, test = (max(1, round(patients * fraction)) for fraction in fractions[1:])
    if patients < 3:
        validation, test = 0, patients // 2
    return {"train": patients - validation - test, "validation": validation, "test": test}


def rank(seed: int, patient: str) -> bytes:
    """Return a patient's position in the seed's random order, which does not depend on the other patients."""
    return hashlib.blake2b(f"{seed}/{patient}".encode()).digest()
