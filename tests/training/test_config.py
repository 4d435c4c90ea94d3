"""Settings are typed, complete and refuse what they do not know."""

import dataclasses
from typing import Literal

import pytest

from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.tasks.task import TaskOptions
from ecg_edge.training.config import Config, SignalConfig, TrainingConfig, resolve
from firmware_bench.runtime.errors import InputError
from models_keras.registry import Preset, find


@dataclasses.dataclass(frozen=True)
class Own(TaskOptions):
    """What a task may be asked for."""

    share: float = 0.5
    rule: Literal["paper", "code"] = "paper"


def settings(*assignments, preset="paper", options=TaskOptions, architecture=None):
    return resolve(architecture or find("cnn_att_bilstm"), options, preset, "synthetic", None, 0, assignments)


def test_defaults_are_the_paper_s():
    config = settings()
    assert (config.signal.fs, config.signal.window_s, config.signal.samples) == (250.0, 60.0, 15000)
    assert (config.training.batch, config.training.learning_rate) == (32, 1e-3)
    assert config.training.class_weights == "balanced"
    assert (config.training.halve_after, config.training.stop_after) == (5, 10)
    assert (config.training.optimizer, config.training.schedule, config.training.label_smoothing) == (
        "adam",
        "plateau",
        0.0,
    )


def test_values_are_parsed_by_type():
    config = settings(
        "training.batch=8",
        "training.learning_rate=3e-4",
        "training.class_weights=sqrt",
        "training.optimizer=adamw",
        "training.gradient_norm=1",
        "signal.lowpass_hz=40",
        "signal.highpass_hz=none",
        "signal.normalise=window",
        "model.attention=false",
        "model.lstm_units=(16, 8)",
    )
    assert config.training.batch == 8
    assert config.training.learning_rate == 3e-4
    assert config.training.class_weights == "sqrt"
    assert (config.training.optimizer, config.training.gradient_norm) == ("adamw", 1.0)
    assert (config.signal.lowpass_hz, config.signal.highpass_hz) == (40.0, None)
    assert config.signal.normalise == "window"
    assert config.model["attention"] is False
    assert config.model["lstm_units"] == (16, 8)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.bach=8", "did you mean training.batch"),
        ("batch=8", "training.batch"),
        ("training.batch=many", "of type int"),
        ("training.batch=1.5", "of type int"),
        ("training.batch=0", "must be above 0"),
        ("training.gradient_norm=0", "must be above 0"),
        ("training.averaging=1", "below 1"),
        ("training.label_smoothing=1", "below 1"),
        ("training.label_smoothing=-0.1", "at least 0"),
        ("training.weight_decay=-1", "at least 0"),
        ("training.warmup_epochs=-1", "at least 0"),
        ("training.teacher_share=0", "above 0 and at most 1"),
        ("training.teacher_temperature=0", "must be above 0"),
        ("training.class_weights=square", "sqrt"),
        ("training.optimizer=adm", "did you mean adam"),
        ("training.monitor=accuracy", "no value of training.monitor 'accuracy'"),
        ("training.schedule=linear", "no value of training.schedule 'linear'"),
        ("signal.normalise=both", "no value of signal.normalise 'both'"),
        ("model.attention=yes", "of type bool"),
        ("signal.fs", "key=value"),
        ("model.name=other", "no setting"),
        ("model.samples=10", "no setting"),
        ("task.share=0.3", "no setting"),
    ],
)
def test_wrong_values_are_refused(assignment, message):
    with pytest.raises(InputError, match=message):
        settings(assignment)


def test_an_unknown_preset_lists_close_ones():
    with pytest.raises(InputError, match="did you mean paper"):
        settings(preset="papr")


def test_settings_of_a_task():
    assert settings(options=Own).task == {"share": 0.5, "rule": "paper"}
    assert settings("task.share=1", "task.rule=code", options=Own).task == {"share": 1.0, "rule": "code"}
    with pytest.raises(InputError, match="did you mean task.share"):
        settings("task.shore=1", options=Own)
    with pytest.raises(InputError, match="no value of task.rule 'book'"):
        settings("task.rule=book", options=Own)


def test_a_preset_brings_what_differs_from_the_defaults():
    preset = Preset(
        model={"kernel": 3}, signal={"fs": 50.0}, training={"epochs": 7}, parameters={}, task={"rule": "code"}
    )
    architecture = dataclasses.replace(find("cnn"), presets={"own": preset})
    config = settings("model.kernel=9", preset="own", options=Own, architecture=architecture)
    assert (config.signal, config.training) == (SignalConfig(fs=50.0), TrainingConfig(epochs=7))
    assert config.model["kernel"] == 9 and config.model["filters"] == (32, 64, 128)
    assert config.task == {"share": 0.5, "rule": "code"}


@pytest.mark.parametrize(
    "wrong",
    [{"signal": {"fz": 50.0}}, {"training": {"epoch": 7}}, {"task": {"rul": "code"}}],
)
def test_unknown_settings_of_a_preset_are_refused(wrong):
    preset = Preset(**{"model": {}, "signal": {}, "training": {}, "parameters": {}, "task": {}, **wrong})
    with pytest.raises(TypeError, match="unexpected keyword"):
        settings(preset="own", options=Own, architecture=dataclasses.replace(find("cnn"), presets={"own": preset}))


def test_plain_data_and_back():
    config = settings("training.batch=8", "task.share=0.25", preset="tiny", options=Own)
    assert Config.from_dict(config.to_dict()) == config
    named = config.to_dict()  # as a run's folder has it: with the task's name
    named["task"] = {"name": "rhythm", **named["task"]}
    assert Config.from_dict(named) == config


def test_signal_settings_become_steps():
    assert [step["step"] for step in SignalConfig().steps()] == ["fill_gaps", "resample", "highpass"]
    signal = SignalConfig(lowpass_hz=40.0, notch_hz=50.0, normalise="record", filter_order=4)
    steps = Preprocessing(signal.steps()).steps
    assert [step["step"] for step in steps] == ["fill_gaps", "resample", "bandpass", "notch", "zscore"]
    assert steps[2] == {"step": "bandpass", "low": 0.5, "high": 40.0, "order": 4}
    assert [step["step"] for step in SignalConfig(highpass_hz=None).steps()] == ["fill_gaps", "resample"]
    assert SignalConfig(fs=100.0, window_s=10.0, stride_s=2.5).stride == 250


def test_a_window_s_own_steps_are_apart_from_the_recording_s():
    by_record, by_window = (SignalConfig(normalise=rule).window_spec() for rule in ("record", "window"))
    assert by_record.steps[-1] == {"step": "zscore"} and by_record.window_steps == []
    assert by_window.window_steps == [{"step": "zscore"}] and {"step": "zscore"} not in by_window.steps
    window = SignalConfig(fs=100.0, window_s=10.0, stride_s=2.5).window_spec()
    assert (window.fs, window.samples, window.stride) == (100.0, 1000, 250)
