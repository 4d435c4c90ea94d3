"""Settings are typed, complete and refuse what they do not know."""

import pytest

from ecg_edge.errors import InputError
from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.training.config import Config, Signal, resolve
from models_keras.registry import find


def settings(*assignments, preset="paper"):
    return resolve(find("cnn_att_bilstm"), preset, "synthetic", None, 0, assignments)


def test_defaults_are_the_paper_s():
    config = settings()
    assert (config.signal.fs, config.signal.window_s, config.signal.samples) == (250.0, 60.0, 15000)
    assert (config.training.batch, config.training.learning_rate) == (32, 1e-3)
    assert config.training.class_weights == "balanced"
    assert (config.training.halve_after, config.training.stop_after) == (5, 10)


def test_values_are_parsed_by_type():
    config = settings(
        "training.batch=8",
        "training.learning_rate=3e-4",
        "training.class_weights=sqrt",
        "signal.lowpass_hz=40",
        "signal.highpass_hz=none",
        "model.attention=false",
        "model.lstm_units=(16, 8)",
    )
    assert config.training.batch == 8
    assert config.training.learning_rate == 3e-4
    assert config.training.class_weights == "sqrt"
    assert (config.signal.lowpass_hz, config.signal.highpass_hz) == (40.0, None)
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
        ("training.averaging=1", "below 1"),
        ("training.class_weights=square", "sqrt"),
        ("model.attention=yes", "of type bool"),
        ("signal.fs", "key=value"),
        ("model.name=other", "no setting"),
    ],
)
def test_what_does_not_fit_is_refused(assignment, message):
    with pytest.raises(InputError, match=message):
        settings(assignment)


def test_an_unknown_preset_lists_close_ones():
    with pytest.raises(InputError, match="did you mean paper"):
        settings(preset="papr")


def test_plain_data_and_back():
    config = settings("training.batch=8", preset="tiny")
    assert Config.from_dict(config.to_dict()) == config


def test_signal_settings_become_steps():
    assert [step["step"] for step in Signal().steps()] == ["fill_gaps", "resample", "highpass"]
    signal = Signal(lowpass_hz=40.0, notch_hz=50.0, normalise="record", filter_order=4)
    steps = Preprocessing(signal.steps()).steps
    assert [step["step"] for step in steps] == ["fill_gaps", "resample", "bandpass", "notch", "zscore"]
    assert steps[2] == {"step": "bandpass", "low": 0.5, "high": 40.0, "order": 4}
    assert [step["step"] for step in Signal(highpass_hz=None).steps()] == ["fill_gaps", "resample"]
    assert Signal(fs=100.0, window_s=10.0, stride_s=2.5).stride == 250
