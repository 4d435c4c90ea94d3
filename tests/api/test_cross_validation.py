"""A cross-validation: held-out predictions of every fold, pooled; finished folds are kept."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import ecg_edge
from ecg_edge.api import cross_validation
from ecg_edge.cli.train import command as train
from ecg_edge.run import Run
from firmware_bench.runtime.errors import InputError

FOLDS = 3


def cross_validate(recordings, folder, reporter=None, **changes):
    settings = {"training.batch": 8, "signal.normalise": "running"}
    return ecg_edge.cross_validate(
        "cnn", "tiny", recordings, ["II"], None, settings, changes.get("epochs", 1), folder, 0, FOLDS, reporter
    )


@pytest.fixture(scope="module")
def validated(recordings, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "folds"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        return folder, cross_validate(recordings, folder)


def test_every_recording_outside_the_test_part_is_held_out_once(validated, run):
    folder, result = validated
    folds = [Run(folder / f"fold-{number}") for number in range(1, FOLDS + 1)]
    held_out = sorted(name for fold in folds for name in fold.split["test"])
    assert held_out == sorted(run.split["train"] + run.split["validation"])
    for fold in folds:
        everywhere = {name for names in fold.split.values() for name in names}
        assert not everywhere & set(run.split["test"]), "the test part is in a fold"
    assert result.values["recordings"] == len(held_out)
    assert json.loads((folder / "cross-validation.json").read_text()) == result.values


def test_pooled_figures_are_those_of_all_held_out_recordings(validated):
    folder, result = validated
    confusion = np.array(result.confusion_matrix)
    rows = [ecg_edge.evaluate(folder / f"fold-{number}").values for number in range(1, FOLDS + 1)]
    np.testing.assert_array_equal(confusion, np.sum([row["confusion_matrix"] for row in rows], axis=0))
    accuracy = result.metrics["accuracy"]
    assert accuracy.value == round(np.trace(confusion) / confusion.sum(), 4)
    assert accuracy.low <= accuracy.value <= accuracy.high
    assert [row["accuracy"] for row in result.values["folds"]] == [row["accuracy"] for row in rows]


def test_the_temperature_is_the_mean_of_the_folds(validated):
    folder, result = validated
    own = [Run(folder / f"fold-{number}").decision["temperature"] for number in range(1, FOLDS + 1)]
    assert result.values["decision"] == {"temperature": pytest.approx(np.mean(own))}


def test_finished_folds_are_skipped_and_a_lost_one_comes_out_the_same(validated, recordings, monkeypatch):
    folder, result = validated
    (folder / "fold-2" / "held-out.npy").unlink()
    trained, original = [], cross_validation.train_run
    monkeypatch.setattr(
        cross_validation, "train_run", lambda run, reporter: trained.append(run.path.name) or original(run, reporter)
    )
    assert cross_validate(recordings, folder).values == result.values
    assert trained == ["fold-2"]


def test_a_folder_of_other_settings_is_refused(validated, recordings):
    with pytest.raises(InputError, match="holds runs of other data or settings"):
        cross_validate(recordings, validated[0], epochs=2)


def test_the_folder_of_a_run_is_refused(run, recordings):
    with pytest.raises(InputError, match="holds a run already"):
        cross_validate(recordings, run.path)


def test_the_command_continues_and_prints_pooled_figures(validated, recordings):
    folder, result = validated
    words = ["--arch", "cnn", "--preset", "tiny", "--leads", "II", "--epochs", "1", "--data", str(recordings),
             "--set", "training.batch=8", "--set", "signal.normalise=running", "--run", str(folder)]  # fmt: skip
    shown = CliRunner().invoke(train, [*words, "--folds", str(FOLDS)], catch_exceptions=False)
    assert f"{result.values['recordings']} recordings of {result.values['patients']} patients" in shown.stdout
    assert str(folder / "cross-validation.json") in shown.stderr


def test_impossible_folds_are_one_line(recordings, tmp_path):
    words = ["--arch", "cnn", "--preset", "tiny", "--leads", "II", "--data", str(recordings)]
    many = CliRunner().invoke(train, [*words, "--folds", "1000", "--run", str(tmp_path / "many")])
    assert isinstance(many.exception, InputError) and "1000 folds of" in str(many.exception)
    resumed = CliRunner().invoke(train, ["--resume", str(tmp_path), "--folds", "3"])
    assert "leave out --folds" in str(resumed.exception)
