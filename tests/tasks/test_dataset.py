"""What of a database can be learnt: labelled recordings, their classes, their leads."""

import pytest

from ecg_edge.errors import InputError
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.synthetic import CLASSES
from ecg_edge.tasks.dataset import Dataset
from ecg_edge.training.config import Signal


def test_the_embedded_database():
    dataset = Dataset.open("synthetic")
    assert dataset.classes == CLASSES and dataset.leads == STANDARD_LEADS
    assert len(dataset.entries) == 360 and dataset.unlabelled == 0


def test_leads_are_chosen_by_name_in_any_case_and_order():
    assert Dataset.open("synthetic", ("v6", "AVR")).leads == ("V6", "aVR")


@pytest.mark.parametrize(
    ("data", "leads", "message"),
    [
        ("synthetic", ("IX",), "no lead in synthetic 'IX'"),
        ("cinc2071", None, "did you mean cinc2017"),
    ],
)
def test_what_is_not_there_is_refused(data, leads, message):
    with pytest.raises(InputError, match=message):
        Dataset.open(data, leads)


def test_cpsc2018_goes_through(real_data, tmp_path, monkeypatch):
    """Recordings with several labels appear once; both forms of files give 12 leads of the same windows."""
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path))
    dataset = Dataset.open(str(real_data("cpsc2018")))
    assert dataset.classes == CLASSES and len(dataset.entries) == 133
    assert len({entry.name for entry in dataset.entries}) == 133
    cache = dataset.windows(Signal(fs=100.0, window_s=10.0))
    assert not cache.problems and cache.windows.shape[1:] == (1000, 12)
    assert set(cache.records) == set(range(133))


def test_an_unknown_label_is_left_out_and_counted(real_data, tmp_path):
    source = real_data("cpsc2018") / "original_mat"
    for name in ("A1960", "A1980", "A1982"):
        (tmp_path / f"{name}.mat").write_bytes((source / f"{name}.mat").read_bytes())
    lines = ["Recording,First_label,Second_label,Third_label", "A1960,1,,", "A1980,5,2,", "A1982,12,,"]
    (tmp_path / "REFERENCE.csv").write_text("\n".join(lines) + "\n")
    dataset = Dataset.open(str(tmp_path))
    assert [entry.name for entry in dataset.entries] == ["A1960", "A1980"]
    assert dataset.classes == ("SNR", "RBBB") and dataset.unlabelled == 1


def test_a_database_of_beats_has_nothing_to_classify(real_data):
    with pytest.raises(InputError, match="nothing to classify"):
        Dataset.open(str(real_data("mitdb")))
