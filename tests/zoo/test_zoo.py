"""A model is found by its name wherever one is asked for; what lies in the working directory comes first."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_models import convolutional

import ecg_edge
from ecg_edge import zoo
from ecg_edge.cli.main import cli
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError

NAME = "af-single-lead-small"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*words):
    ran = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_a_recording_is_predicted_by_name(folder):
    record = write_wfdb(synthesise("AF", seed=0, seconds=30, leads=("I",)), folder)
    (found,) = json.loads(invoke("predict", NAME, record, "--json", "--windows", "--unsure-below", "1"))["records"]
    assert found["label"] in ("N", "A", "O", "~") and found["unsure"] and found["shown_label"] == "unsure"
    assert [set(window["probabilities"]) for window in found["window_predictions"]] == [set(found["probabilities"])]
    assert "unsure" in invoke("predict", NAME, record, "--unsure-below", "1")


def test_a_prediction_by_name_takes_less_than_a_second_and_a_half(folder):
    """Of processor time: on a busy machine, not somebody else's."""
    record = write_wfdb(synthesise("AF", seed=0, seconds=30, leads=("I",)), folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "ecg_edge", "predict", NAME, record], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5


@pytest.mark.parametrize("name", ["af-singel-lead-small", "nothing"])
def test_an_unknown_name_is_one_line_with_near_ones(folder, name):
    with pytest.raises(InputError, match=f"no model '{name}': .*{NAME}") as caught:
        ecg_edge.load(name)
    assert "\n" not in str(caught.value)


def test_a_file_of_that_name_comes_first(folder):
    folder.joinpath(NAME).write_bytes(convolutional())
    assert ecg_edge.load(NAME).labels == ["N", "A", "O"]
    folder.joinpath(NAME).unlink()
    assert ecg_edge.load(NAME).labels == ["N", "A", "O", "~"]


def test_a_library_of_a_shipped_model_lands_in_the_working_directory(folder):
    made = ecg_edge.write_firmware_library(NAME, "cmake", Sensor(300.0, (200.0,)))
    assert made.folder.resolve() == folder / f"{NAME}-cmake" and any(made.folder.iterdir())
    assert not list(zoo.MODELS.glob("*-cmake"))


def test_the_list_and_the_card():
    listed = json.loads(invoke("zoo", "list", "--json"))["models"]
    assert [card["name"] for card in listed] == zoo.list_models()
    shown = invoke("zoo", "show", NAME)
    for text in ("not for clinical use", "ODC-By 1.0", "mean F1 of N, A, O", f"benchmarks/zoo.py {NAME}"):
        assert text in shown
    assert json.loads(invoke("zoo", "show", NAME, "--json")) == listed[0]
    with pytest.raises(InputError, match="did you mean"):
        zoo.read_card("af-single-lead-smal")


def test_every_model_has_a_recipe_and_a_page():
    for name in zoo.list_models():
        assert (ROOT / "benchmarks" / "recipes" / f"{name}.toml").is_file()
        assert f"<!-- table zoo-{name} -->" in (ROOT / "docs" / "zoo" / f"{name}.md").read_text(encoding="utf-8")


def test_the_first_screen_names_the_models():
    shown = subprocess.run([sys.executable, "-m", "ecg_edge"], capture_output=True, text=True, check=True).stdout
    assert all(f"\n  {name}\n" in shown for name in zoo.list_models()) and f"ecg-edge predict {NAME}" in shown


def test_a_run_with_other_settings_than_the_recipe_is_refused(monkeypatch):
    from types import SimpleNamespace

    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from recipe_runs import require_settings

    trained = SimpleNamespace(
        path="run", config={"arch": "cae", "task": {"name": "anomaly"}, "signal": {"mode": "offline"}}
    )
    require_settings(trained, {"arch": "cae", "settings": {"signal.mode": "offline"}})
    with pytest.raises(InputError, match="signal.mode"):
        require_settings(trained, {"arch": "cae", "settings": {"signal.mode": "causal"}})
    trained.config |= {"signal": {"notch_hz": None}, "model": {"filters": [32, 8]}}
    require_settings(trained, {"settings": {"signal.notch_hz": "none", "model.filters": "32,8"}})
    with pytest.raises(InputError, match="model.filters"):
        require_settings(trained, {"settings": {"model.filters": "32,16"}})
