"""Models that reconstruct their input: the C program scores windows and moves its threshold as the path in Python does,
in every bit, and the score is that of the task."""

import dataclasses
import functools
import shutil

import numpy as np
import pytest
from app_programs import FS, SENSOR, counts_with_faults, run_path, run_program

from ecg_edge.api.c99_generation import choose_hop
from ecg_edge.tasks.anomaly import PAPER, anomaly_scores
from ecg_edge.training.config import SignalConfig
from export.c99 import generate
from export.tflite.flatbuffer import set_metadata
from export.tflite.signature import describe_tensors
from firmware_bench.front_end.window_score import (
    LARGEST,
    MEMORY,
    SCORE_BITS,
    WARM_UP,
    RunningThreshold,
    plan_window_score,
)
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata, WindowMetadata
from firmware_bench.runtime.quantisation import dequantise
from firmware_bench.runtime.tflite_model import TFLiteModel

ONE = 1 << SCORE_BITS
SAMPLES, LEADS = 128, ("I", "II")
with_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@functools.cache
def reconstructing(latent=True, attention=True) -> bytes:
    """A smoothed window, with a latent space and attentions, or without."""
    import keras
    from keras import layers

    from export.convert.conversion_job import ExportWindows
    from export.convert.keras_model import output_names
    from export.convert.strategies import convert

    keras.utils.set_random_seed(3)
    ecg = keras.Input((SAMPLES, len(LEADS)), name="ecg")
    x = layers.Conv1D(6, 7, padding="same", activation="relu")(ecg)
    outputs = {"reconstruction": layers.Conv1D(len(LEADS), 5, padding="same", name="reconstruction")(x)}
    if latent:
        outputs["latent_mean"] = layers.Dense(3, name="latent_mean")(x)
        outputs["latent_log_variance"] = layers.Dense(3, name="latent_log_variance")(x)
    if attention:
        outputs["lead_attention"] = layers.Dense(len(LEADS), activation="softmax", name="lead_attention")(x)
        over_time = layers.Flatten()(layers.Dense(1)(x))
        outputs["sequence_attention"] = layers.Softmax(name="sequence_attention")(over_time)
    model = keras.Model(ecg, outputs)
    noise = {"ecg": np.random.default_rng(0).normal(size=(20, SAMPLES, len(LEADS))).astype(np.float32)}
    data = convert(model, ExportWindows(noise, noise)).data
    inputs, made = describe_tensors(data, output_names(model, data))
    metadata = ModelMetadata(
        architecture="small",
        task=TaskMetadata("anomaly", {"score": "paper"}),
        labels=("normal", "abnormal"),
        decision={"threshold": 0.7},
        fs=FS,
        leads=LEADS,
        window=WindowMetadata(SAMPLES, SAMPLES),
        preprocessing=tuple(SignalConfig(fs=FS, mode="causal", normalise="running").steps()),
        inputs=inputs,
        outputs=made,
    )
    return set_metadata(data, metadata)


def restated(data, **changes):
    return set_metadata(data, dataclasses.replace(TFLiteModel(data).metadata, **changes))


@pytest.mark.parametrize(("latent", "attention"), [(True, True), (True, False), (False, False)])
def test_the_score_is_that_of_the_task(latent, attention):
    model = TFLiteModel(reconstructing(latent, attention))
    plan, random = plan_window_score(model.metadata), np.random.default_rng(5)
    assert plan.threshold == round(0.7 * ONE)
    for spread in (0.1, 1.0, 3.0):
        window = random.normal(0, spread, (1, SAMPLES, len(LEADS)))
        tensor = model.inputs[0]
        quantised = np.clip(np.rint(window / tensor.scale) + tensor.zero_point, -128, 127).astype(np.int8)
        raw = {t.name: values for t, values in zip(model.metadata.outputs, model.run_raw([quantised]), strict=True)}
        tensors = {t.name: t for t in model.metadata.outputs}
        outputs = {n: dequantise(v, tensors[n].scale, tensors[n].zero_point) for n, v in raw.items()}
        if latent:
            outputs["log_variance"] = np.zeros_like(outputs["reconstruction"])
        ecg = dequantise(quantised, tensor.scale, tensor.zero_point)
        expected = anomaly_scores(ecg, outputs)[0, PAPER]
        assert plan.compute(quantised[0], raw) / ONE == pytest.approx(expected, rel=2e-3, abs=1e-4)


@with_compiler
@pytest.mark.parametrize(("latent", "attention"), [(True, True), (False, False)])
def test_the_program_scores_as_the_path_in_python_does(latent, attention, tmp_path):
    data, counts = reconstructing(latent, attention), counts_with_faults(int(100 * SENSOR.fs))
    counts[15000:15500] *= 3
    expected = run_path(data, SENSOR, counts)
    program = run_program(data, SENSOR, counts, tmp_path, probabilities="")
    assert program == expected and len(expected) > 70
    thresholds, scores = (np.array([row[3 + n] for row in expected]) for n in (0, 1))
    labels = np.array([row[1] for row in expected])
    np.testing.assert_array_equal(labels == 2, scores > thresholds)
    assert len(set(thresholds[:WARM_UP])) == 1 and len(set(thresholds)) > 5 and len(set(labels)) == 2


def test_the_threshold_follows_the_recent_past_within_its_bounds():
    running = RunningThreshold(ONE)
    calm = [round(ONE * (0.3 + 0.01 * (n % 5))) for n in range(MEMORY)]
    thresholds = [running.judge(score) for score in calm]
    assert set(thresholds[:WARM_UP]) == {ONE} and set(thresholds[WARM_UP:]) == {ONE // 2}  # not below half
    varied = [round(ONE * (0.6 + 0.04 * (n % 5))) for n in range(MEMORY)]
    thresholds = [running.judge(score) for score in varied]
    assert running.judge(0) == round(ONE * 0.68) + 6 * (round(ONE * 0.68) - round(ONE * 0.64))
    for _ in range(10):  # a sixth of the memory, far away, moves it little
        moved = running.judge(LARGEST)
    assert moved < 1.2 * ONE
    assert [running.judge(LARGEST) for _ in range(MEMORY)][-1] == 2 * ONE  # not above twice


def test_models_without_a_threshold_of_windows_are_refused(tmp_path):
    data = reconstructing(False, False)
    for changes, message in (
        ({"decision": {}}, "no threshold"),
        ({"task": TaskMetadata("anomaly", {"score": "code"})}, "task.score=paper"),
        ({"window_preprocessing": ({"step": "zscore"},)}, "normalise=running"),
    ):
        with pytest.raises(InputError, match=message):
            generate(restated(data, **changes), tmp_path / "program", sensor=SENSOR)
    with pytest.raises(InputError, match="leave out --hop"):
        choose_hop(data, SENSOR, 0.5)
    assert choose_hop(data, SENSOR, None) is None
