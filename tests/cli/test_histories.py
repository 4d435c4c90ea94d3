"""A step of beats from a trained run, beat by beat through real and made recordings."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_edge.api.model_loading import task_from_metadata
from ecg_edge.cli.main import cli
from ecg_edge.data.recordings import prepare_records
from ecg_edge.demo import write_wfdb
from ecg_edge.records.formats.wfdb_format import read_wfdb
from ecg_edge.records.record import Entry
from ecg_edge.records.synthetic_ecg import synthesise
from export.convert import strategies
from export.verify.step_parity import run_with_external_history
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.streaming_model import HistoryModel
from firmware_bench.runtime.tflite_model import TFLiteModel

pytestmark = pytest.mark.slow


def invoke(*words):
    ran = CliRunner().invoke(cli, list(map(str, words)), catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(run, its step, the whole file that the step was made of), of the tiny preset."""
    base = tmp_path_factory.mktemp("beats")
    run, step, whole = base / "run", base / "run" / "export" / "htf_beat-streaming.tflite", base / "whole.tflite"
    convert_to_step = strategies.convert_to_step

    def keeping(data, histories):
        whole.write_bytes(data)
        return convert_to_step(data, histories)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(base / "cache"))
        patch.setattr(strategies, "convert_to_step", keeping)
        invoke("train", "--arch", "htf_beat", "--preset", "tiny", "--leads", "II,V1", "--epochs", "2", "--run", run)
        ran = invoke("export", run, "--int8", "--streaming")
        assert ran.stderr.splitlines()[-1] == f"next: ecg-edge bench {step}"
        yield run, step, whole


def beats_of(record, task, window):
    """Every beat of a record of two leads, as a step is told of it."""
    recordings = prepare_records([task.read(record)], ("lead 1", "lead 2"), window.steps, window.fs)
    told = task.inference_examples(recordings, window).batch(slice(None))
    return [{"ecg": ecg, "rr": rr[-1:]} for ecg, rr in zip(told["ecg"], told["rr"], strict=True)]


def test_an_hour_of_real_signal(files, real_data):
    """Two recordings without a new beginning: byte for byte what the whole file says whose histories are kept here."""
    _, step, whole = files
    task, window = task_from_metadata(TFLiteModel(step).metadata, "step")
    paths = [real_data("mitdb") / name for name in ("208", "233")]
    records = [read_wfdb(path, Entry(path.name, path.name, path.name)) for path in paths]
    beats = [beat for record in records for beat in beats_of(record, task, window)]
    expected = run_with_external_history(TFLiteModel(whole), task.autoregressive_inputs, beats)
    model = HistoryModel(TFLiteModel(step))
    found = np.array([model.run(beat) for beat in beats])
    np.testing.assert_array_equal(found, [answer["probabilities"] for answer in expected])
    said = found.argmax(axis=1)
    assert len(beats) > 5500 and np.count_nonzero(np.diff(said)) > 100
    kept = model.arrays[[tensor.name for tensor in model.model.inputs].index("state_labels")][0]
    np.testing.assert_array_equal(kept.argmax(axis=1), said[-5:])


def test_the_history_changes_the_outputs(files):
    """A step that begins anew with every beat answers otherwise."""
    _, step, _ = files
    random, model = np.random.default_rng(0), HistoryModel(TFLiteModel(step))
    shape = model.inputs[0].shape[1:]
    beats = [{"ecg": random.normal(size=shape), "rr": random.uniform(0.3, 1.5, 1)} for _ in range(50)]
    going_on = [model.run(beat) for beat in beats]
    model.reset()
    again = [model.run(beat) for beat in beats]
    anew = [(model.reset(), model.run(beat))[1] for beat in beats]
    np.testing.assert_array_equal(going_on, again)
    assert np.any(np.array(going_on) != np.array(anew), axis=1).sum() > 25


def test_evaluation_and_prediction_equal_those_of_the_file_without_history(files, tmp_path):
    run, step, whole = files
    results = [json.loads(invoke("evaluate", run, "--model", file, "--json").stdout) for file in (step, whole)]
    assert results[0]["confusion_matrix"] == results[1]["confusion_matrix"]
    assert results[0]["macro_f1"] == results[1]["macro_f1"] and "variants" not in results[0]
    record = write_wfdb(synthesise("SNR", seed=1, seconds=25), tmp_path)
    answers = [json.loads(invoke("predict", file, record, "--json").stdout)["records"] for file in (step, whole)]
    assert answers[0] == answers[1] and len(answers[0][0]["beats"]) > 10


@pytest.fixture(scope="module")
def rhythm_run(files, tmp_path_factory):
    """A run of a rhythm model that takes the features of the beat classifier, which is not where it was any more."""
    beat_run, base = files[0], tmp_path_factory.mktemp("rhythm")
    named = shutil.copytree(beat_run, base / "named")
    words = ["--arch", "rhythm_from_beats", "--preset", "tiny", "--leads", "II,V1", "--epochs", "1"]
    settings = [f"task.embedder={named}", "model.morphology=true", "model.features=40", "task.labels=own"]
    invoke("train", *words, *(word for key in settings for word in ("--set", key)), "--run", base / "run")
    named.rename(base / "elsewhere")
    return base / "run"


def test_a_rhythm_model_finds_the_beat_classifier_in_its_own_run(rhythm_run, tmp_path):
    record = write_wfdb(synthesise("AF", seed=3), tmp_path)
    (row,) = json.loads(invoke("predict", rhythm_run, record, "--json").stdout)["records"]
    invoke("export", rhythm_run)
    (file,) = (rhythm_run / "export").glob("*.tflite")
    (same,) = json.loads(invoke("predict", file, record, "--json").stdout)["records"]
    assert len(same["rhythms"]) == len(row["rhythms"]) >= 1
    assert TFLiteModel(file).metadata.window.shortest > 0

    moved = shutil.copy(file, tmp_path / "moved.tflite")
    ran = CliRunner().invoke(cli, ["predict", str(moved), str(record)])
    assert isinstance(ran.exception, InputError) and "not opened unasked" in str(ran.exception)
    words = ["--embedder", rhythm_run.parent / "elsewhere", "--json"]
    assert json.loads(invoke("predict", moved, record, *words).stdout)["records"] == [same]

    older = shutil.copytree(rhythm_run, tmp_path / "older", ignore=shutil.ignore_patterns("embedder"))
    ran = CliRunner().invoke(cli, ["predict", str(older), str(record)])
    assert isinstance(ran.exception, InputError) and "not opened unasked" in str(ran.exception)
