import shutil
from collections import Counter

import numpy as np
import pytest

from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.databases.ptbxl import Ptbxl
from ecg_edge.records.label_maps import CLASSES
from ecg_edge.records.record import STANDARD_LEADS
from firmware_bench.runtime.errors import InputError

CODES = [
    "{'NORM': 100.0, 'SR': 0.0}",
    "{'NDT': 50.0, 'IMI': 35.0, 'AMI': 40.0, 'PVC': 100.0}",
    "{'SR': 0.0}",
    "{'IMI': 0.0}",
]


@pytest.fixture
def folder(tmp_path, write_record):
    """Four recordings are listed; the first three are here at 100 Hz, the first two at 500 Hz."""
    lines = ["ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr"]
    for number, codes in enumerate(CODES, start=1):
        paths = [f"records{rate}/00000/{number:05d}_{suffix}" for rate, suffix in ((100, "lr"), (500, "hr"))]
        lines.append(f'{number},{number}7.0,"{codes}",{number + 6},{",".join(paths)}')
        for path, fs, count in zip(paths, (100, 500), (3, 2), strict=True):
            if number <= count:
                write_record((tmp_path / path).parent, path[-8:], leads=STANDARD_LEADS, fs=fs, samples=10 * fs)
    (tmp_path / "ptbxl_database.csv").write_text("\n".join(lines))
    return tmp_path


def test_superclasses_the_likeliest_first_patients_and_folds(folder):
    entries = Ptbxl(100).index(folder)
    assert [entry.labels for entry in entries] == [("NORM",), ("STTC", "MI"), ()]
    assert [(entry.name, entry.patient, entry.fold) for entry in entries][0] == ("00001", "17", 7)


def test_statements_become_classes_of_another_database(folder, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(folder.parent))
    folder.rename(folder.parent / "ptbxl")
    own = shutil.copytree(folder.parent / "ptbxl" / "records100" / "00000", folder.parent / "own")
    (own / "labels.csv").write_text("record,scp_codes\n00001_lr,SR;STD_;AFIB\n")
    database, at = locate("ptbxl100@cpsc2018")
    assert [entry.labels for entry in database.index(at)] == [("SNR",), ("PVC",), ()]
    assert "labels mapped: " in database.list_notes(at)[0] and "NDT 1" in database.list_notes(at)[1]
    union, at = locate("ptbxl100@cpsc2018+own")
    assert {entry.name: entry.labels for entry in union.index(at)}["own/00001_lr"] == ("AF", "STD")
    assert union.classes == database.classes == CLASSES["cpsc2018"]
    with pytest.raises(InputError, match="no map from the labels of ptbxl100 to those of mitdb"):
        locate("ptbxl100@mitdb")


def test_the_rate_is_500_where_available(folder):
    assert (len(Ptbxl(100).index(folder)), len(Ptbxl(500).index(folder)), len(Ptbxl().index(folder))) == (3, 2, 2)
    for rate in (100, 500):
        record = Ptbxl(rate).read(folder, Ptbxl(rate).index(folder)[0])
        assert (record.fs, record.signal.shape, record.leads) == (rate, (10 * rate, 12), STANDARD_LEADS)


def test_listed_but_absent_recordings_are_reported(folder):
    ((record, remark),) = Ptbxl(500).check_labels(folder)
    assert record.endswith("00003_hr") and "1 others of the 4" in remark


def test_a_recording_without_header_stays_in_the_index(folder):
    (folder / "records500/00000/00002_hr.hea").unlink()
    assert len(Ptbxl(500).index(folder)) == 2


@pytest.mark.parametrize(("old", "new"), [("{'SR': 0.0}", "{'SR'"), ("37.0", "x"), ("scp_codes", "codes")])
def test_a_corrupt_database_file_is_refused_with_its_line(folder, old, new):
    file = folder / "ptbxl_database.csv"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(InputError, match=r"ptbxl_database\.csv, line \d is corrupt"):
        Ptbxl().index(folder)


def test_real_recordings(real_data):
    folder = real_data("ptbxl")
    entries = Ptbxl().index(folder)
    assert len(entries) == len(Ptbxl(100).index(folder)) == 440
    counts = Counter(label for entry in entries for label in entry.labels)
    assert counts == {"NORM": 266, "STTC": 83, "CD": 64, "MI": 61, "HYP": 34}
    assert (entries[0].patient, entries[0].fold) == ("15709", 3)
    assert Ptbxl().read(folder, entries[0]).signal[0, 0] == np.float32(-0.115)
    assert Ptbxl(100).read(folder, Ptbxl(100).index(folder)[0]).signal[0, 0] == np.float32(-0.119)
