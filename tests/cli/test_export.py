"""ecg-edge export: from a run's folder to a file, its gates on stdout."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from click.testing import CliRunner
from small_models import convolutional

from ecg_edge.api.export_examples import CALIBRATION_WINDOWS, CHECK_WINDOWS, QAT_WINDOWS, make_windows, select_examples
from ecg_edge.cli.export import command
from ecg_edge.cli.train import command as train
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from export.tflite import flatbuffer
from firmware_bench.runtime.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the tiny preset on forty easy recordings of forty patients."""
    base = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(base / "cache"))
        recordings = base / "recordings"
        recordings.mkdir()
        names = [
            (write_wfdb(synthesise(rhythm, seed=seed), recordings).name, rhythm)
            for seed in range(20)
            for rhythm in ("SNR", "LBBB")
        ]
        (recordings / "labels.csv").write_text("record,label\n" + "".join(f"{n},{label}\n" for n, label in names))
        words = [
            "--arch",
            "cnn_att_bilstm",
            "--preset",
            "tiny",
            "--leads",
            "I,V1",
            "--data",
            recordings,
            "--run",
            base / "run",
            "--set",
            "training.batch=4",
            "--epochs",
            "12",
        ]
        CliRunner().invoke(train, list(map(str, words)), catch_exceptions=False)
        yield base / "run"


def invoke(*words):
    return CliRunner().invoke(command, list(map(str, words)))


def test_a_folder_without_a_run_is_one_line(tmp_path):
    for words in ([], ["--int8"]):
        error = invoke(tmp_path, *words).exception
        assert isinstance(error, InputError) and str(tmp_path) in str(error)


@pytest.mark.slow
def test_file_table_and_next_command(run, tmp_path):
    from firmware_bench.runtime.metadata import TaskMetadata, WindowMetadata
    from firmware_bench.runtime.reference_vector import verify_reference
    from firmware_bench.runtime.tflite_model import TFLiteModel

    shown = invoke(run, "--int8")
    path = run / "export" / "cnn_att_bilstm-int8.tflite"
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.count("pass") == 12 and "FAIL" not in shown.stdout
    assert "warning: only" in shown.stderr  # forty recordings cannot give two hundred windows
    assert f"{path.stat().st_size:,} bytes" in shown.stderr
    assert shown.stderr.splitlines()[-1] == f"next: ecg-edge bench {path}"
    model = TFLiteModel(path)
    assert verify_reference(model)
    assert model.metadata.labels == ("LBBB", "SNR") and model.metadata.leads == ("I", "V1")
    assert model.metadata.preprocessing[:2] == ({"step": "hold_gaps"}, {"step": "resample_causal", "fs": 100.0})
    assert "looks ahead" not in shown.stderr and model.metadata.fs == 100
    assert model.metadata.window == WindowMetadata(samples=1000, stride=1000, shortest=1000)
    assert model.metadata.window_preprocessing == ()
    assert model.metadata.task == TaskMetadata("rhythm") and model.metadata.decision.keys() == {"temperature"}


@pytest.mark.slow
def test_a_failed_acceptance_check_prints_the_table_and_writes_no_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr("export.verify.parity.MIN_SQNR_DB", 90.0)
    shown = invoke(run, "--int8", "--ptq", "--out", tmp_path / "model.tflite")
    assert shown.exception.exit_status == 1
    assert shown.stdout.count("FAIL") == 2 and shown.stdout.count("pass") == 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_no_window_is_used_twice_and_none_of_the_test_part(run):
    from ecg_edge.run import Run

    windows, check = make_windows(Run(run).task, select_examples(Run(run), qat=True))
    test = Run(run).examples("test").batch(slice(None))["ecg"]
    used = [windows.calibration["ecg"], windows.check["ecg"], windows.training["ecg"]]
    assert 0 < len(used[0]) <= CALIBRATION_WINDOWS and 0 < len(used[1]) <= CHECK_WINDOWS
    assert len(windows.training["ecg"]) <= QAT_WINDOWS
    together = np.concatenate([*used, test]).reshape(sum(map(len, used)) + len(test), -1)
    assert len(np.unique(together, axis=0)) == len(together)
    assert len(check.targets) == len(used[1]) and len(check.validation) < len(used[1])


def test_c99_of_a_file(tmp_path):
    path, folder = tmp_path / "small.tflite", tmp_path / "firmware"
    path.write_bytes(convolutional())
    shown = invoke(path, "--c99", "--out", folder)
    assert shown.exit_code == 0 and "total" in shown.stdout and f"next: make -C {folder} test" in shown.stderr
    assert {"small.c", "small.h", "Makefile", "README.md", "test.c"} <= {made.name for made in folder.iterdir()}
    assert invoke(path, "--c99", "--out", folder, "--prefix", "one_lead").exit_code == 0
    assert "void one_lead_run(" in (folder / "one_lead.h").read_text() and not (folder / "small.h").exists()


def test_c99_of_another_file_is_one_line(tmp_path):
    for name, data in (("float", convolutional(integer=False)), ("cut", convolutional()[:2000]), ("empty", b"")):
        (tmp_path / name).write_bytes(data)
        error = invoke(tmp_path / name, "--c99", "--out", tmp_path / "out").exception
        assert isinstance(error, InputError) and name in str(error) and "\n" not in str(error)
    foreign = flatbuffer.read(convolutional())
    foreign.metadata = []
    (tmp_path / "foreign").write_bytes(flatbuffer.write(foreign))
    for name in ("foreign", "absent", "."):
        assert isinstance(invoke(tmp_path / name, "--c99").exception, InputError)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_bidirectional_recurrence_cannot_be_streamed(run, tmp_path):
    error = invoke(run, "--int8", "--streaming", "--out", tmp_path / "model.tflite").exception
    assert isinstance(error, InputError) and "Bidirectional" in str(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_streaming_file_next_command_and_prediction(tmp_path, monkeypatch):
    """Forwards only, trained for an epoch: the way to a file and what predict makes of it."""
    from ecg_edge.cli.predict import command as predict
    from firmware_bench.runtime.tflite_model import TFLiteModel

    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    settings = ["model.bidirectional=false", "model.positions=false"]
    words = [
        "--arch",
        "ecg_mamba",
        "--preset",
        "tiny",
        "--leads",
        "I,V1",
        "--epochs",
        "1",
        "--run",
        str(tmp_path / "run"),
    ]
    shown = CliRunner().invoke(train, [*words, *(w for s in settings for w in ("--set", s))], catch_exceptions=False)
    assert shown.exit_code == 0
    shown = invoke(tmp_path / "run", "--int8", "--streaming")
    path = tmp_path / "run" / "export" / "ecg_mamba-streaming.tflite"
    assert shown.exit_code == 0, shown.output
    assert shown.stderr.splitlines()[-1] == f"next: ecg-edge bench {path}"
    record = write_wfdb(synthesise("SNR", seed=1, seconds=25), tmp_path)
    shown = CliRunner().invoke(predict, [str(path), str(record), "--json"], catch_exceptions=False)
    (answer,) = json.loads(shown.stdout)["records"]
    assert shown.exit_code == 0 and set(answer["probabilities"]) == set(TFLiteModel(path).metadata.labels)
    firmware_of_a_stream(path, tmp_path / "firmware")


def firmware_of_a_stream(path, folder):
    """A recording goes over to the device at a time, whose steps tell what LiteRT says."""
    from ecg_edge.cli.mcu import command as mcu
    from export.c99.lower import lower
    from export.c99.read_graph import read_graph
    from export.c99.test_inputs import choose_test_inputs
    from firmware_bench.mcu import qemu

    words = [str(path), "--board", "STM32F407", "--firmware", str(folder)]
    assert CliRunner().invoke(mcu, words, catch_exceptions=False).exit_code == 0
    inputs = choose_test_inputs(lower(read_graph(path.read_bytes())))
    assert (folder / "windows.bin").stat().st_size == inputs.vectors * inputs.signals[0][0] * 2 * 2  # leads, bytes
    if qemu.missing() or shutil.which("make") is None:
        return
    subprocess.run(["make", "-s"], cwd=folder, check=True, timeout=120)
    ran = subprocess.run(["make", "-s", "run"], cwd=folder, capture_output=True, text=True, timeout=120)
    told = ran.stdout + ran.stderr
    assert "differing 0\n" in told and "window 3\n" in told and "window 4\n" not in told  # two of its own, two sent
