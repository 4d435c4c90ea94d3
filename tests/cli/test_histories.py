"""A step of beats from a trained run, beat by beat through real and made recordings."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

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
    # Most beats are certain whatever came before: how many differ depends on the weights, 18 and more were seen.
    assert np.any(np.array(going_on) != np.array(anew), axis=1).sum() > 5


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
    words = ["--arch", "rhythm_from_beats", "--preset", "tiny", "--leads", "II,V1", "--epochs", "8"]
    settings = [f"task.embedder={named}", "model.morphology=true", "task.labels=own"]
    invoke("train", *words, *(word for key in settings for word in ("--set", key)), "--run", base / "run")
    named.rename(base / "elsewhere")
    return base / "run"


def test_a_rhythm_model_finds_the_beat_classifier_in_its_own_run(rhythm_run, tmp_path):
    record = write_wfdb(synthesise("AF", seed=3), tmp_path)
    (row,) = json.loads(invoke("predict", rhythm_run, record, "--json").stdout)["records"]
    assert len(row["rhythms"]) >= 1
    older = shutil.copytree(rhythm_run, tmp_path / "older", ignore=shutil.ignore_patterns("embedder"))
    ran = CliRunner().invoke(cli, ["predict", str(older), str(record)])
    assert isinstance(ran.exception, InputError) and "not opened unasked" in str(ran.exception)


@pytest.fixture(scope="module")
def pair(rhythm_run, tmp_path_factory):
    """(rhythm file, beat file) of one export, in a folder of their own: neither run is near."""
    folder = tmp_path_factory.mktemp("pair")
    invoke("export", rhythm_run)
    beats, rhythm = sorted((rhythm_run / "export").glob("*.tflite"))
    assert beats.name == "rhythm_from_beats-int8-beats.tflite" and rhythm.name == "rhythm_from_beats-int8.tflite"
    return Path(shutil.copy(rhythm, folder)), Path(shutil.copy(beats, folder))


def test_a_pair_predicts_without_training_packages_and_runs(pair, tmp_path):
    """Both files alone, where Keras, JAX and TensorFlow cannot be imported: as Keras says, which has both runs."""
    rhythm, _ = pair
    record = write_wfdb(synthesise("AF", seed=3), tmp_path)
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('keras', 'tensorflow', 'jax'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from ecg_edge.cli.main import cli\n"
        "cli(sys.argv[1:])"
    )
    words = ["predict", str(rhythm), str(record), "--json"]
    ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)["records"]
    assert len(row["rhythms"]) >= 1 and sum(row["probabilities"].values()) == pytest.approx(1, abs=0.05)


def test_a_pair_is_accepted_as_a_pair(pair, rhythm_run):
    """The labels of both files against both models in Keras, in the metadata and in an evaluation."""
    rhythm, beats = pair
    metadata = TFLiteModel(rhythm).metadata
    assert metadata.metrics["parity"]["both_files"]["same_decision"] >= 0.97
    assert metadata.embedder.file == beats.name and metadata.task.options["embedder"] == ""
    assert {tensor.name for tensor in TFLiteModel(beats).outputs} == {"fused", "probabilities"}
    one, other = (
        json.loads(invoke("evaluate", rhythm_run, *words, "--json").stdout) for words in ((), ("--model", rhythm))
    )
    assert abs(one["accuracy"]["value"] - other["accuracy"]["value"]) < 0.1


def test_a_pair_that_is_none_is_refused(pair, files, tmp_path):
    """Without the beat file, with another one under its name, and with a damaged one: one line, and no answer."""
    rhythm, beats = pair
    record = write_wfdb(synthesise("AF", seed=3), tmp_path)
    alone = shutil.copy(rhythm, tmp_path / "alone.tflite")
    ran = CliRunner().invoke(cli, ["predict", str(alone), str(record)])
    assert isinstance(ran.exception, InputError) and "is not beside it" in str(ran.exception)
    named = json.loads(invoke("predict", alone, record, "--embedder", beats, "--json").stdout)["records"]
    assert named == json.loads(invoke("predict", rhythm, record, "--json").stdout)["records"]

    other = tmp_path / beats.name
    invoke("export", files[0], "--features", "--out", other)
    ran = CliRunner().invoke(cli, ["predict", str(alone), str(record)])
    assert isinstance(ran.exception, InputError) and "not the beat classifier that" in str(ran.exception)
    said = json.loads(invoke("predict", other, record, "--json").stdout)["records"]
    assert len(said[0]["beats"]) > 10  # a beat classifier with features is a beat classifier
    other.write_bytes(beats.read_bytes()[:-40] + bytes(40))
    ran = CliRunner().invoke(cli, ["predict", str(alone), str(record)])
    assert isinstance(ran.exception, InputError) and str(other) in str(ran.exception)
    shutil.copy(files[1], other)
    ran = CliRunner().invoke(cli, ["predict", str(alone), str(record)])
    assert isinstance(ran.exception, InputError) and "has no features of beats" in str(ran.exception)


def test_a_pair_becomes_two_programs_in_one_folder(pair, tmp_path):
    """They link into one program, whose answers are LiteRT's through both files; a damaged table is noticed."""
    rhythm, _ = pair
    invoke("export", rhythm, "--c99", "--out", tmp_path / "c")
    made = subprocess.run(["make", "-C", tmp_path / "c", "test"], capture_output=True, text=True)
    assert made.returncode == 0 and "both programs: 0 of the outputs differ" in made.stdout, made.stderr
    assert "R peaks" in (tmp_path / "c" / "README.md").read_text()
    beats = tmp_path / "c" / "htf_beat.c"
    head, table, rest = beats.read_text().partition("htf_beat_conv1_weights[64] = {\n")
    beats.write_text(head + table + re.sub(r"-?\d+", lambda found: "-1" if found[0] == "1" else "1", rest, count=8))
    made = subprocess.run(["make", "-C", tmp_path / "c", "test"], capture_output=True, text=True)
    assert made.returncode != 0 and "of the outputs differ" in made.stdout and "both programs: 0" not in made.stdout


def test_memory_and_speed_of_a_pair(pair):
    rhythm, beats = pair
    plan = json.loads(invoke("mcu", rhythm, "--board", "nRF52840", "--json").stdout)
    assert plan["beat_classifier"]["file"] == beats.name
    for key, of in (("flash", lambda one: one["flash"]["file"]), ("arena", lambda one: one["arena"]["total"])):
        assert plan["both"][key] == of(plan) + of(plan["beat_classifier"])
    report = json.loads(invoke("bench", rhythm, "--json", "--windows", "50", "--rounds", "1").stdout)
    times = [result["figures"]["latency, median"]["value"] for result in report["results"]]
    (chain,) = report["chains"]
    assert chain["files"] == [rhythm.name, beats.name]
    assert chain["milliseconds"] == (None if None in times else pytest.approx(times[0] + 32 * times[1]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.morphology=true", "model.features=41"], "gives 40 features of a beat, the model takes 41"),
        (["model.morphology=true", "signal.fs=128"], "takes 64 Hz: set signal.fs=64"),
    ],
)
def test_an_embedder_that_does_not_fit_is_refused_before_training(files, tmp_path, settings, message):
    words = ["train", "--arch", "rhythm_from_beats", "--preset", "tiny", "--leads", "II,V1", "--run", tmp_path / "run"]
    settings = [f"task.embedder={files[0]}", "task.labels=own", *settings]
    ran = CliRunner().invoke(cli, [*map(str, words), *(word for key in settings for word in ("--set", key))])
    assert isinstance(ran.exception, InputError) and message in str(ran.exception)
    assert not (tmp_path / "run").exists()


def test_an_embedder_of_other_leads_is_refused_before_training(files, tmp_path):
    words = ["train", "--arch", "rhythm_from_beats", "--preset", "tiny", "--leads", "II", "--run", tmp_path / "run"]
    settings = [f"task.embedder={files[0]}", "model.morphology=true", "task.labels=own"]
    ran = CliRunner().invoke(cli, [*map(str, words), *(word for key in settings for word in ("--set", key))])
    assert isinstance(ran.exception, InputError) and "takes 2 leads, the model 1" in str(ran.exception)
