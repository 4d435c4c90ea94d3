"""What databases state about themselves, and what follows from it for every task."""

import numpy as np
import pytest

from ecg_edge.records.database import Database
from ecg_edge.records.databases.catalogue import DATABASES
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import Entry, RhythmInterval


class Clinic(Database):
    """Two recordings with beats; rhythms by codes of its own."""

    name = "clinic"
    classes = ("ok", "ill")
    normal_labels = ("ok",)
    annotated = True
    rhythm_codes = {"SR": "N"}  # noqa: RUF012

    def list_entries(self, folder):
        return [Entry("a", "a", "p", ("ok",)), Entry("b", "b", "q", ("ok", "ill")), Entry("c", "c", "r")]


def test_recordings_whose_only_label_is_a_normal_one_are_normal(tmp_path):
    assert [entry.normal for entry in Clinic().index(tmp_path)] == [True, False, False]


# A normal rhythm there does not say that the recording is normal.
RHYTHM_ONLY = ("afpdb", "challenge2021", "ludb", "mimic-iv-ecg")


def test_every_normal_label_is_a_label():
    for database in DATABASES.values():
        assert set(database.normal_labels) <= set(database.classes)
        assert bool(database.normal_labels) == (bool(database.classes) and database.name not in RHYTHM_ONLY)


@pytest.mark.parametrize("label", ["SNR", "NORM", "N", "normal"])
def test_people_write_normal_in_several_ways(tmp_path, label):
    (tmp_path / "labels.csv").write_text(f"record,label\na,{label}\nb,AF\n")
    assert [entry.normal for entry in LabelledFolder(tmp_path).index(tmp_path)] == [True, False]


def test_annotated_recordings_are_read_with_beats_and_rhythms_by_standard_codes(tmp_path, write_record):
    write_record(tmp_path, "a", samples=2000)
    notes = ["(SR", "", "(AFIB"]
    import_wfdb().wrann(
        "a", "atr", np.array([0, 100, 900]), symbol=["+", "V", "+"], aux_note=notes, write_dir=str(tmp_path)
    )
    record = Clinic().read(tmp_path, Clinic().index(tmp_path)[0])
    assert record.rhythms == (RhythmInterval(0, 900, "N"), RhythmInterval(900, 2000, "AFIB"))
    assert (record.beats.samples.tolist(), record.beats.symbols.tolist()) == ([100], ["V"])
