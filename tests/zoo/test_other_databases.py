"""What a card says of databases that the model has never seen."""

from pathlib import Path

import pytest

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
