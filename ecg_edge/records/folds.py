"""Folds of a cross-validation: by patient, stratified by class, without the test part."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from ecg_edge.records.record import Entry
from ecg_edge.records.split import count_by_patient, rank, split
from firmware_bench.runtime.errors import InputError


def split_fold(
    entries: Sequence[Entry],
    parts: Mapping[str, Sequence[str]],
    fold: tuple[int, int],
    seed: int,
    contents: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, list[str]]:
    """Split the train and validation part of a data set for one fold of a cross-validation.

    Args:
        entries: The recordings.
        parts: Part → names of its recordings, as `split` returns them. Those of the test part are in no part of a fold.
        fold: (number from 1, of so many folds).
        seed: As for `split`.
        contents: As for `split`.

    Returns:
        Part → its record names, sorted: the fold's own recordings are its test part; a tenth of the other patients
        validates, the others train.

    Raises:
        InputError: There are fewer patients than folds.
    """
    number, count = fold
    available = {*parts["train"], *parts["validation"]}
    usable = [entry for entry in entries if entry.name in available]
    fold_of = assign_folds(usable, count, seed, contents)
    sides = [
        dataclasses.replace(entry, fold=None, part="test" if fold_of[entry.patient] == number else "train")
        for entry in usable
    ]
    return split(sides, seed, contents=contents)


def assign_folds(
    entries: Sequence[Entry], folds: int, seed: int, contents: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, int]:
    """Assign patients to folds so that each fold has its share of each class.

    Iterative stratification (Sechidis, Tsoumakas & Vlahavas, ECML PKDD 2011), over patients: the class with the fewest
    patients is dealt first. Of its patients, the one who has most of it comes first, each into the fold that has least
    of the class so far.

    Args:
        entries: The recordings.
        folds: Number of folds, at least 2.
        seed: Decides between patients who have the same.
        contents: As for `split`.

    Returns:
        Patient → number of the fold, from 1.

    Raises:
        InputError: There are fewer than 2 folds, or fewer patients than folds.
    """
    counts = count_by_patient(entries, contents)
    if not 2 <= folds <= len(counts):
        raise InputError(f"{folds} folds of {len(counts)} patients: from 2 to one patient a fold are possible")
    labels = Counter(label for own in counts.values() for label in +own)
    totals = {number: Counter() for number in range(1, folds + 1)}
    sizes: Counter[int] = Counter()
    fold_of: dict[str, int] = {}
    for label in [*sorted(labels, key=lambda label: (labels[label], label)), None]:  # None: patients without a class
        holders = [
            patient for patient in counts if patient not in fold_of and (label is None or counts[patient][label])
        ]
        for patient in sorted(holders, key=lambda patient: (-counts[patient][label], rank(seed, patient))):
            number = min(totals, key=lambda number: (totals[number][label], sizes[number]))
            fold_of[patient] = number
            totals[number].update(counts[patient])
            sizes[number] += 1
    return fold_of
