import random
from collections import Counter

import pytest

from ecg_edge.records.record import Entry
from ecg_edge.records.split import PARTS, find_unassigned, split
from firmware_bench.runtime.errors import InputError


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
def test_no_patient_is_in_two_parts(seed):
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
def test_patients_with_several_classes_are_assigned_by_their_rarest(seed):
    common = [Entry(f"N{i}", "", str(i), ("N",)) for i in range(60)]
    rare = [Entry(f"R{i}", "", str(i), ("R",)) for i in range(3)]
    assert all("R" in labels_of(names) for names in split(common + rare, seed).values())


def test_official_folds():
    folded = [Entry(str(fold), "", str(fold), ("N",), fold) for fold in range(1, 11)]
    assert split(folded, seed=0) == {"train": list("12345678"), "validation": ["9"], "test": ["10"]}
    with pytest.raises(InputError, match="patient 1 has recordings in folds"):
        split([*folded, Entry("x", "", "1", ("N",), 10)], seed=0)


def published(train, test):
    """One recording of each patient in `train` and `test`; a patient in both has one in each part."""
    pairs = [(patient, "train") for patient in train] + [(patient, "test") for patient in test]
    return [Entry(f"{part} {patient}", "", patient, part=part) for patient, part in pairs]


def test_published_parts_are_kept_and_a_tenth_of_the_training_patients_validates():
    every = published(map(str, range(75)), map(str, range(75, 84)))
    parts = split(every, seed=0)
    assert [len(parts[part]) for part in PARTS] == [67, 8, 9]
    assert parts["test"] == [f"test {patient}" for patient in range(75, 84)]
    assert find_unassigned(every, parts) == []
    assert split(every, seed=1)["validation"] != parts["validation"] == split(every[::-1], seed=0)["validation"]


def test_all_recordings_of_a_validation_patient_validate():
    every = [Entry(f"{number}{take}", "", str(number), part="train") for number in range(4) for take in "ab"]
    assert len(split([*every, Entry("t", "", "t", part="test")], seed=0)["validation"]) == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_published_test_recording_of_a_training_patient_is_left_out_or_kept_on_request(seed):
    every = published("abcd", "def")
    parts = split(every, seed)
    assert parts["test"] == ["test e", "test f"] and find_unassigned(every, parts) == ["test d"]
    as_published = split(every, seed, strict=False)
    assert as_published["test"] == ["test d", "test e", "test f"] and find_unassigned(every, as_published) == []
    assert as_published["validation"] == parts["validation"] != ["train d"]


def test_the_split_is_random_where_some_recordings_have_no_published_part():
    every = [*published("abcdefgh", "ij"), Entry("k", "", "k")]
    parts = split(every, seed=0)
    assert [len(parts[part]) for part in PARTS] == [9, 1, 1]


def test_a_published_split_needs_two_training_patients():
    with pytest.raises(InputError, match="2 recordings of 2 patients leave the train part empty"):
        split(published("a", "b"), seed=0)


def test_too_few_patients():
    with pytest.raises(InputError, match="leave the validation part empty"):
        split(entries(N=2), seed=0)


def test_real_recordings(real_data):
    from ecg_edge.records.databases.cinc2017 import Cinc2017

    parts = split(Cinc2017().index(real_data("cinc2017")), seed=0)
    assert {part: len(names) for part, names in parts.items()} == {"train": 6022, "validation": 753, "test": 753}


def test_real_published_splits(real_data):
    from ecg_edge.records.databases.ltafdb import Ltafdb
    from ecg_edge.records.databases.mitdb import Mitdb

    ltafdb = split(Ltafdb().index(real_data("ltafdb")), seed=0)
    assert [len(ltafdb[part]) for part in PARTS] == [67, 8, 9]
    assert ltafdb["test"] == ["100", "104", "105", "11", "200", "32", "48", "49", "68"]
    chosen = [entry for entry in Mitdb().index(real_data("mitdb")) if entry.part]
    parts = split(chosen, seed=0)
    assert [len(parts[part]) for part in PARTS] == [20, 2, 21] and find_unassigned(chosen, parts) == ["202"]
    assert len(split(chosen, seed=0, strict=False)["test"]) == 22


def test_folds_that_leave_a_part_empty_are_named():
    entries = [Entry(str(n), str(n), str(n), fold=n) for n in range(1, 6)]
    with pytest.raises(InputError, match="folds 1 to 8 train, 9 validates, 10 tests, and the data have 1, 2, 3, 4, 5"):
        split(entries, seed=0)


def annotated(counts, part=None):
    """A recording of each patient, and what it contains."""
    every = [Entry(name, "", name, part=part) for name in counts]
    return every, {name: dict(zip("NAV", own, strict=True)) for name, own in counts.items()}


def total(names, contents, label):
    return sum(contents[name].get(label, 0) for name in names)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("part", ["train", None])
def test_each_class_of_beats_is_validated(seed, part):
    draw = random.Random(7)
    counts = {f"p{i}": (2000, draw.choice((0, 0, 0, 1, 90)), draw.choice((0, 5, 300))) for i in range(30)}
    every, contents = annotated(counts, part)
    if part:
        every.append(Entry("t", "", "t", part="test"))
        contents["t"] = {"N": 10}
    parts = split(every, seed, contents=contents)
    for label in "NAV":
        whole = total(parts["train"], contents, label) + total(parts["validation"], contents, label)
        assert total(parts["validation"], contents, label) >= 0.05 * whole, label
        assert total(parts["train"], contents, label) >= 0.5 * whole, label
    assert len(parts["validation"]) <= 5
    assert parts["test"] == split(every, seed)["test"]  # that of every task
    assert sorted(name for names in parts.values() for name in names) == sorted(contents)


@pytest.mark.parametrize("seed", range(5))
def test_what_one_patient_alone_has_is_trained(seed):
    every, contents = annotated({f"p{i}": (100, 50 * (i == 0), 10) for i in range(20)}, "train")
    every.append(Entry("t", "", "t", part="test"))
    parts = split(every, seed, contents=contents | {"t": {}})
    assert "p0" in parts["train"] and len(parts["validation"]) in (1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_second_labels_are_validated_too(seed):
    every = [Entry(str(i), "", str(i), ("N", *(("PAC",) if i < 3 else ()))) for i in range(60)]
    parts = split(every, seed)
    having = {str(i) for i in range(3)}
    if len(having & set(parts["test"])) < 2:
        assert having & set(parts["validation"]) and having & set(parts["train"])


@pytest.mark.parametrize("seed", range(4))
def test_mitdb_validates_supraventricular_beats(real_data, seed):
    from ecg_edge.records.databases.mitdb import Mitdb
    from ecg_edge.records.formats.wfdb_annotations import read_annotations
    from ecg_edge.records.record import AAMI

    folder = real_data("mitdb")
    chosen = [entry for entry in Mitdb().index(folder) if entry.part]
    contents = {}
    for entry in chosen:
        beats, _ = read_annotations(folder / entry.path, 650000)
        classes = [AAMI.get(symbol, "Q") for symbol in beats.symbols.tolist()]
        contents[entry.name] = Counter(name for name in classes if name in "NAV")
    parts = split(chosen, seed, strict=False, contents=contents)
    assert len(parts["validation"]) == 2
    assert [total(parts["validation"], contents, label) > 40 for label in "NAV"] == [True] * 3
