"""Apple Watch's and Polar's CSV files are recognised by their headers and state their own rate and unit."""

import numpy as np
import pytest
from small_files import MICROVOLTS, apple, polar

from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.databases.labels_columns import find_labels_file
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription


@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize(
    ("rate", "lead"),
    [
        ("Sample Rate,512 hertz", "Lead,Lead I"),
        ("Abtastrate,512 Hertz", "Ableitung,Ableitung I"),
        ("Fréquence d’échantillonnage,512 hertz", "Dérivation,Dérivation I"),
        ("采样率,512 赫兹", "导联,导联 I"),
        ("Frecuencia,512 Hz", "Derivación,Derivación I"),
    ],
)
def test_apple_watch(tmp_path, comma, rate, lead):
    (tmp_path / "ecg_2026-01-01.csv").write_text(apple(rate=rate, lead=lead, comma=comma))
    record = read_record(tmp_path / "ecg_2026-01-01.csv")
    np.testing.assert_allclose(record.signal[:, 0], MICROVOLTS / 1000, atol=1e-6)
    assert record.fs == 512.0 and record.leads in [("I",), ("ECG",)] and record.units == "mV"
    with pytest.raises(RecordError, match="512 Hz, not 250 Hz"):
        read_record(tmp_path / "ecg_2026-01-01.csv", stated=SignalDescription(fs=250))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (apple(unit=""), "no lead in a unit of voltage"),
        (apple() + "x\n", "line 2014 is no value"),
        (apple() + "1,5\n", "is damaged"),
        (apple(values=[]), "in no known format"),
        (apple().replace("512 hertz", "nan hertz"), "no table|no known format"),
    ],
)
def test_damaged_files_of_apple_watch_are_named(tmp_path, text, complaint):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(RecordError, match=rf"r\.csv.*({complaint})"):
        read_record(tmp_path / "r.csv")


def test_an_apple_watch_csv_is_a_recording_and_no_table_of_labels(tmp_path):
    for name in ("ecg_1.csv", "ecg_2.csv"):
        (tmp_path / name).write_text(apple())
    assert find_labels_file(tmp_path) is None
    (tmp_path / "labels.csv").write_text("record,label\necg_1.csv,N\necg_2,AF\n")
    folder = LabelledFolder(tmp_path)
    assert folder.list_recordings(tmp_path).keys() == {"ecg_1", "ecg_2"}
    assert [folder.read(tmp_path, entry).samples for entry in folder.index(tmp_path)] == [2000, 2000]


def test_polar(tmp_path):
    (tmp_path / "Polar_H10_ECG.txt").write_text(polar(lost=range(73, 146), rate=130.1))
    record = read_record(tmp_path / "Polar_H10_ECG.txt")
    expected = np.rint(MICROVOLTS) / 1000
    expected[73:146] = np.nan
    np.testing.assert_allclose(record.signal[:, 0], expected, atol=1e-6)
    assert record.fs == 130.0 and record.select_leads(("I",)).shape == (2000, 1)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text.replace("5996", "5995", 5), "do not increase|interrupted"),
        (lambda text: text[:-20], "damaged|column"),
        (lambda text: polar(rate=50), "not those of 130 Hz"),
        (lambda text: text.splitlines()[0] + "\n", "damaged"),
    ],
)
def test_damaged_files_of_polar_are_named(tmp_path, damage, complaint):
    (tmp_path / "r.txt").write_text(damage(polar()))
    with pytest.raises(RecordError, match=rf"r\.txt.*({complaint})"):
        read_record(tmp_path / "r.txt")
