"""What a card says of databases that the model has never seen."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import ecg_edge
from ecg_edge.records.record import Entry

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def try_other_databases(monkeypatch):
    """With four recordings: the model is sure of both blocks, and more of the infarction than of the normal one."""
    rows = [("LBBB", 0.9, 0.1), ("RBBB", 0.8, 0.2), ("MI", 0.3, 0.1), ("SNR", 0.1, 0.9)]
    found = [({"CD": cd, "NORM": norm}, Entry(name, name, name, (name,))) for name, cd, norm in rows]
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import other_databases

    monkeypatch.setattr(other_databases, "predict_database", lambda file, data: (found, 1))
    return other_databases.try_other_databases


def test_several_of_their_labels_are_one_of_the_models(try_other_databases):
    others = [
        {"data": "theirs", "label": "CD", "theirs": ["LBBB", "RBBB"]},
        {"data": "theirs", "label": "NORM", "theirs": "MI"},
    ]
    told = try_other_databases(Path("model.tflite"), others)
    blocks, infarction = told["theirs"].split(". ")
    assert "CD against the rest: AUROC 1.000" in blocks and "2 of 4 recordings are LBBB or RBBB, 1 that" in blocks
    assert "AUROC 0.167" in infarction and "1 of 4 recordings are MI" in infarction


def test_an_anomaly_detector_is_tried_by_its_score(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import other_databases

    scores = {"SNR": 0.1, "AF": 0.7, "STD": 0.9}
    entries = [Entry(label, label, label, (label,)) for label in scores]
    record = SimpleNamespace(signal=(), fs=500.0, leads=(), units="mV")
    database = SimpleNamespace(index=lambda folder: entries, read=lambda folder, entry: record)
    found = iter([SimpleNamespace(probabilities={}, score=score) for score in scores.values()])
    monkeypatch.setattr(ecg_edge, "load", lambda file: SimpleNamespace(predict=lambda *what: next(found)))
    monkeypatch.setattr(other_databases, "locate", lambda data: (database, Path()))
    told = other_databases.try_other_data(Path("anomaly.tflite"), "theirs", "normal", "SNR")
    assert "normal against the rest: AUROC 1.000" in told and "1 of 3 recordings are SNR" in told
