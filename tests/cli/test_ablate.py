"""ecg-edge ablate: one table of a study, its runs kept, an interrupted one continued."""

import json

import pytest
from click.testing import CliRunner

from ecg_edge.cli.ablate import command
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json
from models_keras.registry import find, names


def ablate(*words):
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


@pytest.mark.slow
def test_an_interrupted_study_continues_and_makes_one_table(recordings, tmp_path):
    words = ["cnn_att_bilstm", "leads", "--preset", "tiny", "--epochs", "1", "--json",
             "--data", str(recordings), "--out", str(tmp_path / "study")]  # fmt: skip
    shown = ablate(*words)
    study = json.loads(shown.stdout)
    first, *others = study["variants"]
    assert [row["variant"] for row in study["variants"]] == ["12 leads", "lead I"]
    assert first["difference"] is None and all(set(row["difference"]) == {"value", "low", "high"} for row in others)
    assert first["parameters"] > others[0]["parameters"]
    for row in others:
        assert row["difference"]["value"] == pytest.approx(row["value"] - first["value"], abs=2e-4)
    table = (tmp_path / "study" / "table.md").read_text().splitlines()
    assert len(table) == 2 + 2 and all(line.count("|") == 7 for line in table)

    runs = [folder for folder in (tmp_path / "study").iterdir() if folder.is_dir()]
    before = {folder: (folder / "model.keras").stat().st_mtime_ns for folder in runs}
    assert len(runs) == 2
    again = ablate(*words)
    assert json.loads(again.stdout) == study
    assert {folder: (folder / "model.keras").stat().st_mtime_ns for folder in runs} == before, "nothing trained twice"
    assert read_json(tmp_path / "study" / "study.json") == study


def test_unknown_names_list_close_ones():
    with pytest.raises(InputError, match="did you mean components"):
        ablate("cnn_att_bilstm", "component")
    with pytest.raises(InputError, match="no architecture"):
        ablate("cnn_at", "components")


def test_an_architecture_without_studies_says_so():
    without = next(name for name in names() if not find(name).studies)
    with pytest.raises(InputError, match="has no studies"):
        ablate(without, "components")


def test_leads_are_not_both_varied_and_chosen():
    with pytest.raises(InputError, match="varies the leads"):
        ablate("cnn_att_bilstm", "leads", "--leads", "II", "--preset", "tiny", "--epochs", "1", "--out", "/nowhere")
