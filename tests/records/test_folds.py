"""Folds of a cross-validation: every patient once, every class in every fold, never the test part."""

from collections import Counter

import pytest

from ecg_edge.records.folds import assign_folds, split_fold
from ecg_edge.records.record import Entry
from ecg_edge.records.split import split
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def entries():
    """Two recordings of each of 100 patients; every tenth patient has A, two have the rare V beside N."""
    labels = [("A",) if i % 10 == 0 else ("N", "V") if i in (1, 2) else ("N",) for i in range(100)]
    return [Entry(f"r{i}{half}", "", f"p{i}", own) for i, own in enumerate(labels) for half in "ab"]


def test_each_recording_outside_the_test_part_is_held_out_once(entries):
    parts = split(entries, 3)
    patient = {entry.name: entry.patient for entry in entries}
    held_out = Counter()
    for number in range(1, 6):
        own = split_fold(entries, parts, (number, 5), 3)
        held_out.update(own["test"])
        assert sorted(name for names in own.values() for name in names) == sorted(parts["train"] + parts["validation"])
        sides = [{patient[name] for name in names} for names in own.values()]
        assert sum(map(len, sides)) == len(set.union(*sides)), "a patient is on two sides"
    assert held_out == Counter(parts["train"] + parts["validation"])


def test_classes_are_spread_evenly_over_folds(entries):
    fold_of = assign_folds(entries, 5, 0)
    by_class = {label: Counter(fold_of[e.patient] for e in entries if label in e.labels) for label in "NAV"}
    assert set(by_class["A"].values()) == {4} and len(by_class["A"]) == 5
    assert max(by_class["N"].values()) - min(by_class["N"].values()) <= 2
    assert sorted(by_class["V"].values()) == [2, 2], "the two patients of the rarest class are in different folds"


def test_contents_count_and_not_the_number_of_patients():
    entries = [Entry(f"r{i}", "", f"p{i}") for i in range(4)]
    contents = {"r0": {"V": 30}, "r1": {"V": 10}, "r2": {"V": 10}, "r3": {"V": 10}}
    fold_of = assign_folds(entries, 2, 0, contents)
    assert len({fold_of["p1"], fold_of["p2"], fold_of["p3"]}) == 1 and fold_of["p0"] != fold_of["p1"]


def test_the_seed_decides(entries):
    assert assign_folds(entries, 5, 0) == assign_folds(entries, 5, 0) != assign_folds(entries, 5, 1)


def test_the_published_parts_and_folds_of_the_data_do_not_decide_within_a_fold(entries):
    folded = [Entry(f"r{i}", "", f"p{i}", ("N",), fold=i % 10 + 1) for i in range(100)]
    parts = split(folded, 0)
    own = split_fold(folded, parts, (1, 4), 0)
    assert len(own["test"]) == 90 // 4 + 1 or len(own["test"]) == 90 // 4
    assert not set(parts["test"]) & {name for names in own.values() for name in names}


@pytest.mark.parametrize("folds", [1, 101])
def test_an_impossible_number_of_folds_is_refused(entries, folds):
    with pytest.raises(InputError, match=f"{folds} folds of 100 patients"):
        assign_folds(entries, folds, 0)
