import random

import pytest

from ecg_edge.errors import InputError
from ecg_edge.records.record import Entry
from ecg_edge.records.split import PARTS, split


def entries(**counts):
    """`counts` recordings of each class, of as many patients."""
    return [
        Entry(f"{label}{number}", "", f"{label}{number}", (label,))
        for label, count in counts.items()
        for number in range(count)
    ]


def labels_of(names):
    return [name.rstrip("0123456789") for name in names]


def test_stratified_in_the_fractions():
    parts = split(entries(N=500, A=100, O=50), seed=0)
    assert [len(parts[part]) for part in PARTS] == [520, 65, 65]
    assert {label: labels_of(parts["test"]).count(label) for label in "NAO"} == {"N": 50, "A": 10, "O": 5}


def test_the_seed_decides_and_the_order_of_entries_does_not():
    all_entries = entries(N=100, A=30)
    shuffled = random.Random(0).sample(all_entries, len(all_entries))
    assert split(all_entries, seed=1) == split(shuffled, seed=1)
    assert split(all_entries, seed=1) != split(all_entries, seed=2)
    assert all(names == sorted(names) for names in split(shuffled, seed=1).values())


@pytest.mark.parametrize("rare", [3, 4, 5, 9])
def test_a_class_of_three_patients_is_in_every_part(rare):
    parts = split(entries(N=80, R=rare), seed=0)
    assert all("R" in labels_of(parts[part]) for part in PARTS)


def test_a_class_of_two_patients_is_trained_and_tested():
    parts = split(entries(N=80, R=2), seed=0)
    assert [labels_of(parts[part]).count("R") for part in PARTS] == [1, 0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_on_two_sides(seed):
    draw = random.Random(seed)
    all_entries = [Entry(str(i), "", str(draw.randrange(60)), (draw.choice("NNNNAO"),)) for i in range(300)]
    patient = {entry.name: entry.patient for entry in all_entries}
    parts = split(all_entries, seed)
    sides = [{patient[name] for name in names} for names in parts.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == len(set(patient.values()))
    assert sorted(name for names in parts.values() for name in names) == sorted(patient)
    for label in "NAO":
        of_label = {entry.name for entry in all_entries if entry.labels == (label,)}
        assert all(of_label & set(names) for names in parts.values())


@pytest.mark.parametrize("seed", range(5))
def test_patients_with_several_classes_are_dealt_by_their_rarest(seed):
    common = [Entry(f"N{i}", "", str(i), ("N",)) for i in range(60)]
    rare = [Entry(f"R{i}", "", str(i), ("R",)) for i in range(3)]
    assert all("R" in labels_of(names) for names in split(common + rare, seed).values())


def test_official_folds():
    folded = [Entry(str(fold), "", str(fold), ("N",), fold) for fold in range(1, 11)]
    assert split(folded, seed=0) == {"train": list("12345678"), "validation": ["9"], "test": ["10"]}
    with pytest.raises(InputError, match="patient 1 has recordings in folds"):
        split([*folded, Entry("x", "", "1", ("N",), 10)], seed=0)


def test_too_few_patients():
    with pytest.raises(InputError, match="leave the validation part empty"):
        split(entries(N=2), seed=0)


def test_real_recordings(real_data):
    from ecg_edge.records.cinc2017 import Cinc2017

    parts = split(Cinc2017().index(real_data("cinc2017")), seed=0)
    assert {part: len(names) for part, names in parts.items()} == {"train": 6022, "validation": 753, "test": 753}
