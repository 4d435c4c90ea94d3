"""Stages of a TOML file: each starts from the one before, finished ones stay, mistakes are found before training."""

import json

import pytest
from click.testing import CliRunner

import ecg_edge
from ecg_edge.api import staged_training
from ecg_edge.api.staged_training import read_stages
from ecg_edge.api.training_run import create_run
from ecg_edge.cli.train import command as train
from firmware_bench.runtime.errors import InputError

TOML = """
arch = "cnn"
preset = "tiny"
data = '{data}'
leads = ["II"]
epochs = 1
set.training.batch = 8
set.signal.normalise = "running"

[[stage]]
name = "first"

[[stage]]
name = "second"
set.training.learning_rate = 1e-4
"""


@pytest.fixture
def write(tmp_path, recordings):
    def write_toml(text=TOML):
        file = tmp_path / "stages.toml"
        file.write_text(text.replace("{data}", str(recordings)))
        return file

    return write_toml


def test_stages_follow_each_other_and_finished_ones_are_not_trained_again(write, tmp_path, monkeypatch, reporter):
    file, folder = write(), tmp_path / "runs"

    def interrupt(run, reporter):
        raise ecg_edge.api.training_run.TrainingInterrupted("interrupted")

    trained, original = [], staged_training.train_run
    monkeypatch.setattr(staged_training, "train_run", interrupt)
    with pytest.raises(ecg_edge.api.training_run.TrainingInterrupted, match="give the same command again"):
        ecg_edge.train_stages(file, folder)
    monkeypatch.setattr(staged_training, "train_run", lambda run, *rest: trained.append(run) or original(run, *rest))
    first, second = ecg_edge.train_stages(file, folder, reporter)
    assert [run.path.name for run in trained] == ["first", "second"]
    assert (first.settings.training.init, second.settings.training.init) == (None, str(folder / "first"))
    assert second.settings.training.learning_rate == 1e-4 and second.settings.training.batch == 8
    assert any("initial weights" in message for message in reporter.messages)
    result = CliRunner().invoke(train, ["--config", str(file), "--run", str(folder)])
    assert result.exit_code == 0, result.output
    assert len(trained) == 2, "a finished stage was trained again"
    with pytest.raises(InputError, match="holds runs of other data or settings"):
        ecg_edge.train_stages(write(TOML + "epochs = 2\n"), folder)


def test_a_test_part_that_the_initial_weights_have_seen_is_named(run, recordings, tmp_path, reporter):
    settings = {"training.batch": 8, "signal.normalise": "running", "training.init": str(run.path)}
    for seed, expected in ((0, 0), (1, 1)):
        create_run("cnn", "tiny", recordings, ["II"], None, settings, 1, tmp_path / f"{seed}", seed, reporter)
        assert sum("test recordings (first" in message for message in reporter.messages) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch = [", "cannot be read as TOML"),
        ('arch = "cnn"', "has no stages"),
        ('[[stage]]\narch = "cnn"', "stage 1: a name"),
        ('[[stage]]\nname = "../x"\narch = "cnn"', "stage 1: a name"),
        ('[[stage]]\nname = "a"\narch = "cnn"\n[[stage]]\nname = "a"\narch = "cnn"', "stage 2: a name"),
        ('[[stage]]\nname = "a"\narhc = "cnn"', "stage a: no key 'arhc': did you mean arch"),
        ('[[stage]]\nname = "a"\narch = "cnn"\nepochs = "2"', "epochs is '2': a int"),
        ('[[stage]]\nname = "a"\narch = "cnn"\nleads = [1]', "leads is a list of names"),
        ('[[stage]]\nname = "a"', "arch is missing"),
        (TOML + "set.training.bacth = 3\n", "stage second: no setting 'training.bacth'"),
    ],
)
def test_mistakes_are_one_line_and_found_before_any_training(write, tmp_path, text, message):
    with pytest.raises(InputError, match=message) as raised:
        ecg_edge.train_stages(write(text), tmp_path / "runs")
    assert "\n" not in str(raised.value) and not (tmp_path / "runs").exists()


def test_a_stage_takes_what_stands_above_and_its_own_settings(write, tmp_path):
    text = TOML + 'seed = 3\nset.training.init = "none"\n[[stage]]\nname = "third"\n'
    stages = read_stages(write(text), tmp_path)
    assert [stage["settings"].get("training.init") for stage in stages.values()] == [
        None,
        "none",
        str(tmp_path / "second"),
    ]
    assert stages["second"]["seed"] == 3 and "seed" not in stages["third"] and "set" not in stages["third"]
    assert stages["third"]["settings"]["signal.normalise"] == "running"
    assert json.loads(json.dumps(stages)) == stages


def test_config_takes_no_other_option(write):
    result = CliRunner().invoke(train, ["--config", str(write()), "--epochs", "3"])
    assert result.exit_code != 0 and "leave out --epochs" in str(result.exception)
