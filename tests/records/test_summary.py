"""What a data set holds, in counts and lines of text."""

from ecg_edge.records.record import Entry
from ecg_edge.records.split import describe_split
from ecg_edge.records.summary import DatasetSummary, count_recordings

ENTRIES = [Entry("a", "a", "p", ("AF", "PVC")), Entry("b", "b", "p", ("PVC",)), Entry("c", "c", "q")]


def test_recordings_patients_and_labels_are_counted():
    counts = count_recordings(ENTRIES)
    assert (counts.recordings, counts.patients, counts.classes) == (3, 2, {"PVC": 2, "AF": 1})
    assert count_recordings(ENTRIES, every_label=False).classes == {"AF": 1, "PVC": 1}


def test_it_is_described_in_lines_that_stay_short():
    many = count_recordings(Entry(str(n), str(n), "p", (f"class {n}",)) for n in range(40))
    left_out = {"no label": [f"r{n}" for n in range(40)]}
    lines = DatasetSummary("mine", many, {"train": many}, {"beats": {"N": 3}}, left_out, ["a note"]).describe()
    assert lines[0] == "mine" and lines[-1] == "note: a note" and "beats: N 3" in lines
    assert lines[1].startswith("40 recordings of 1 patients; class 0 1, ") and lines[1].endswith("… (40 in all)")
    assert lines[2] == f"train: {lines[1]}"
    assert "left out, no label: 40 (r0, r1, r2, r3, r4, r5, r6, r7, …)" in lines
    assert max(map(len, lines)) < 250


def test_how_recordings_are_divided_is_told():
    folds = [Entry(str(n), str(n), str(n), fold=n) for n in (1, 9, 10)]
    parts = [Entry("x", "x", "x", part="train"), Entry("y", "y", "y", part="test")]
    assert describe_split(folds, 0).startswith("split by the folds of the data")
    assert describe_split(parts, 3).startswith("split as the data say") and "seed 3" in describe_split(parts, 3)
    assert describe_split(ENTRIES, 3) == "split by patient, drawn with seed 3"
    mixed = describe_split([*folds, *ENTRIES], 3)
    assert mixed == "split by patient, drawn with seed 3; 3 of 6 state a part, which does not count"
