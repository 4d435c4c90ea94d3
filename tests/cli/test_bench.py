"""ecg-edge bench."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from bench_lines import WAITING, read_line
from click.testing import CliRunner
from loopback import Loopback, until
from small_models import altered, convolutional, read_json_metadata

from ecg_edge.api import benchmarking, device_agreement
from ecg_edge.cli.bench import command
from ecg_edge.reporter import Reporter
from firmware_bench.rpi import device_bench
from firmware_bench.runtime import files
from firmware_bench.runtime.errors import AcceptanceError, InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    return path


@pytest.fixture
def device(tmp_path_factory, monkeypatch):
    there = Loopback(tmp_path_factory.mktemp("device"), monkeypatch)
    yield there
    there.stop()


def bench(*arguments, rounds=1):
    return CliRunner().invoke(command, [*map(str, arguments), "--rounds", str(rounds)])


def another_reference(path):
    """A file whose recorded outputs nothing computes."""
    reference = read_json_metadata(convolutional())["reference"]
    wrong = {kind: [f"{int(out, 16) ^ 1:06x}" for out in outs] for kind, outs in reference["outputs"].items()}
    path.write_bytes(altered(convolutional(), reference={**reference, "outputs": wrong}))
    return path


# ---------------------------------------------------------------------------------------------------- here


@pytest.mark.slow
def test_a_report_and_its_plot_are_written_to_the_run(tmp_path):
    path = tmp_path / "run" / "export" / "small-int8.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(convolutional())
    (tmp_path / "run" / "config.json").write_text("{}")
    ran = bench(path, "--json", "--out", tmp_path / "copy.json")
    assert ran.exit_code == 0
    report = json.loads(ran.stdout)
    (kept,) = (tmp_path / "run").glob("bench-*.json")
    assert kept.name.startswith(f"bench-{report['machine']['host']}-20")
    assert json.loads(kept.read_text()) == json.loads((tmp_path / "copy.json").read_text()) == report
    for plot in (kept.with_suffix(".png"), tmp_path / "copy.png"):
        assert plot.read_bytes().startswith(b"\x89PNG") and plot.stat().st_size > 10_000
    assert ran.stderr.splitlines()[-1] == f"next: ecg-edge mcu {path}"
    time.sleep(1)
    bench(path)
    assert len(list((tmp_path / "run").glob("bench-*.json"))) == 2


@pytest.mark.slow
def test_each_run_gets_the_report_on_its_own_files(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "export").mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "export" / "m.tflite").write_bytes(convolutional())
    files = [tmp_path / name / "export" / "m.tflite" for name in ("one", "two")]
    report = json.loads(bench(*files, "--threads", "1,2", "--json").stdout)
    assert [(one["file"], one["threads"]) for one in report["results"]] == [
        (str(file), count) for file in files for count in (1, 2)
    ]
    for file in files:
        (kept,) = file.parents[1].glob("bench-*.json")
        assert {one["file"] for one in json.loads(kept.read_text())["results"]} == {str(file)}


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(model, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarking, "bench", lambda *arguments: pytest.fail("measured"))
    (tmp_path / "file").write_text("")
    for place in ("--out", tmp_path / "file" / "bench.json"), ():
        run = tmp_path / "run" / "export"
        run.mkdir(parents=True, exist_ok=True)
        (run / model.name).write_bytes(model.read_bytes())
        (run.parent / "config.json").write_text("{}")
        if not place:
            failing = types.SimpleNamespace(TemporaryFile=lambda dir: (tmp_path / "file" / "x").write_text(""))
            monkeypatch.setattr(files, "tempfile", failing)
        ran = bench(run / model.name, *place)
        assert isinstance(ran.exception, OSError) and str(place[1] if place else run.parent) in str(ran.exception)
    assert sorted(path.name for path in run.parent.iterdir()) == ["config.json", "export"]


def test_a_disk_that_becomes_full_loses_no_figure(model, tmp_path, monkeypatch):
    def fail(path, value):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(benchmarking, "write_json", fail)
    ran = bench(model, "--json", "--out", tmp_path / "bench.json")
    assert isinstance(ran.exception, OSError) and not (tmp_path / "bench.json").exists()
    assert json.loads(ran.stdout)["results"][0]["figures"]


def test_only_the_size_has_a_verdict_on_this_machine(model):
    ran = bench(model)
    assert "published 3.66 MB: met, at 0.2% of it (measured)" in ran.stdout
    assert "published 174 ms: no verdict (published on a Raspberry Pi; this machine is not Arm)" in ran.stdout
    assert list(model.parent.iterdir()) == [model]


def test_several_results_are_compared_with_the_first(model):
    ran = bench(model, "--threads", "1,2", rounds=2)
    (ratio,) = (line for line in ran.stdout.splitlines() if "times the latency" in line)
    assert ratio.startswith("model.tflite, threads 2: ") and "of model.tflite, threads 1 (in alternation)" in ratio


@pytest.mark.parametrize("option, missed", [("--budget-ms", "latency"), ("--budget-mb", "size")])
def test_a_missed_budget_is_exit_status_1(model, option, missed):
    ran = bench(model, option, "1e-6")
    assert isinstance(ran.exception, AcceptanceError) and "missed, at" in str(ran.exception)
    assert "budget 1e-06" in ran.stdout and "next:" not in ran.stderr
    assert bench(model, option, "1000").exit_code == 0


@pytest.mark.parametrize("words", [[], ["x.tflite", "--port", 22], ["x.tflite", "--offline"]])
def test_wrong_usage_is_one_line(words):
    assert isinstance(bench(*words).exception, InputError)


@pytest.mark.parametrize("threads", ["0", "1,x", ""])
def test_threads_are_whole_numbers(model, threads):
    assert bench(model, "--threads", threads).exit_code == 2


def test_unreadable_files_are_one_line(tmp_path):
    for content in (None, b"", convolutional()[:2000]):
        path = tmp_path / "bad.tflite"
        if content is not None:
            path.write_bytes(content)
        error = bench(path).exception
        assert isinstance(error, InputError) and str(path) in str(error) and "\n" not in str(error)


def test_a_file_that_fails_its_reference_vector_is_refused(tmp_path):
    path = another_reference(tmp_path / "other.tflite")
    ran = bench(path, "--out", tmp_path / "report.json")
    assert isinstance(ran.exception, InputError) and ran.stdout == "" and list(tmp_path.iterdir()) == [path]
    assert str(ran.exception).startswith(f"{path}: ai-edge-litert") and "pip install ai-edge-litert==2.3.0" in str(
        ran.exception
    )


# --------------------------------------------------------------------------------------------- another machine


@pytest.mark.slow
def test_a_bench_over_ssh_reports_as_one_here(model, device, tmp_path):
    other = tmp_path / "float.tflite"
    other.write_bytes(convolutional(integer=False))
    ran = bench(model, other, "--threads", "1,2", "--out", tmp_path / "report.json", *device.words(), rounds=2)
    assert ran.exit_code == 0, ran.exception
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(one["file"], one["threads"], len(one["rounds"])) for one in report["results"]] == [
        (name, count, 2) for name in ("model.tflite", "float.tflite") for count in (1, 2)
    ]
    assert "round 2 of 2: float.tflite, threads 2" in ran.stderr
    here = json.loads(bench(model, "--json").stdout)
    assert here.keys() == report.keys() and here["results"][0].keys() == report["results"][0].keys()
    assert here["machine"] == report["machine"]


def test_a_file_that_fails_its_reference_vector_over_ssh_is_refused(device, tmp_path):
    path = another_reference(tmp_path / "other.tflite")
    ran = bench(path, "--out", tmp_path / "report.json", *device.words())
    assert isinstance(ran.exception, InputError) and ran.stdout == "" and list(tmp_path.iterdir()) == [path]
    assert str(ran.exception).startswith(f"{device.host}: {path}: ai-edge-litert")
    assert "pip install ai-edge-litert==2.3.0" in str(ran.exception)


def started(model, device, *words):
    """The command line in a process group of its own, on `device` or here."""
    command = [sys.executable, "-m", "ecg_edge", "bench", model, *(device.words() if device else ()), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        process_group=0, preexec_fn=interruptible)  # fmt: skip


def interruptible():
    """Whoever runs the tests in the background has its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_bench_over_ssh_leaves_nothing_behind(model, device, number):
    running = started(model, device, "--rounds", "50")
    assert read_line(running.stderr).startswith("round 1 of 50")
    assert device.folders() and device.processes()
    if number == signal.SIGINT:  # a terminal interrupts ssh and all
        os.killpg(running.pid, number)
    else:
        running.send_signal(number)
    out, errors = running.communicate(timeout=30)
    if number == signal.SIGINT:
        assert running.returncode == 130 and errors.splitlines()[-1] == "error: interrupted"
    assert out == "" and "Traceback" not in errors
    until(device.is_clean, lambda: f"left behind: {device.processes()} {device.folders()}")


def test_an_interrupted_bench_here_leaves_no_process(model):
    running = started(model, None, "--rounds", "50")
    assert read_line(running.stderr).startswith("round 1 of 50")
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130 and errors.splitlines()[-1] == "error: interrupted"

    def is_empty():
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(is_empty, "a process runs on")


def test_a_lost_connection_is_one_line(model, device):
    running = started(model, device, "--rounds", "50")
    assert read_line(running.stderr).startswith("round 1 of 50")
    for pid in device.sessions():
        os.kill(pid, signal.SIGKILL)
    out, errors = running.communicate(timeout=30)
    assert running.returncode == 2 and out == ""
    assert errors.splitlines()[-1].startswith(f"error: {device.host}: the connection was lost")


@pytest.mark.slow
def test_two_benches_at_once_wait_for_each_other(model, device):
    both = [started(model, device, "--rounds", "3", "--json") for _ in range(2)]
    said = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert any(WAITING in errors for _, errors in said)
    began = [[r["began"] for r in json.loads(out)["results"][0]["rounds"]] for out, _ in said]
    first, second = sorted(began)
    assert first[-1] < second[0]


# ----------------------------------------------------------------------------------------------- real recordings


@pytest.fixture
def classifier(tmp_path):
    """A file that knows the labels of `recordings`."""
    path = tmp_path / "classifier.tflite"
    path.write_bytes(altered(convolutional(), labels=["SNR", "AF", "LBBB"]))
    return path


@pytest.mark.slow
def test_predictions_for_recordings_are_compared_to_the_byte(classifier, recordings, device):
    ran = bench(classifier, "--records", recordings, "--json", *device.words())
    assert ran.exit_code == 0, ran.exception
    (compared,) = json.loads(ran.stdout)["records"]
    assert compared["windows"] == compared["agreeing"] > compared["recordings"] == 30
    assert compared["how"] == "equal to the byte" and compared["metric"] == "macro F1"
    assert compared["here"] == compared["there"] is not None


def test_a_window_with_other_outputs_fails(classifier, recordings, monkeypatch):
    answers = device_bench.run_windows

    def wrong(*arguments):
        (probabilities,) = answers(*arguments)
        probabilities[5] = probabilities[5, ::-1]
        return [probabilities]

    monkeypatch.setattr(device_bench, "run_windows", wrong)
    ran = bench(classifier, "--records", recordings)
    assert isinstance(ran.exception, AcceptanceError) and "1 of " in str(ran.exception)
    assert "are predicted as here, equal to the byte" in ran.stdout


def test_the_number_of_windows_sent_is_limited(classifier, recordings, monkeypatch):
    monkeypatch.setattr(device_agreement, "MAX_WINDOWS", 20)
    _, examples = device_agreement.select_examples_for(classifier, str(recordings), Reporter())
    sent = np.unique(examples.records)
    assert 10 <= len(examples) <= 20 and 1 <= len(sent) < 10
    whole = examples.recordings.lengths[sent] / examples.window.samples
    assert len(examples) == np.ceil(whole - 0.01).sum()


def test_recordings_of_other_classes_are_refused(model, recordings):
    error = bench(model, "--records", recordings).exception
    assert isinstance(error, InputError) and "no recording carries one of the classes" in str(error)


@pytest.mark.parametrize("kind", ["streaming", "history"])
def test_a_streaming_step_does_not_take_recordings(recordings, tmp_path, kind):
    (tmp_path / "step.tflite").write_bytes(
        altered(convolutional(), **{kind: {"step": 256, "delay": 0, "window": 256, "states": []}})
    )
    error = bench(tmp_path / "step.tflite", "--records", recordings).exception
    assert isinstance(error, InputError) and "--records compares windows" in str(error)


# ---------------------------------------------------------------------------------------------------- compare


@pytest.mark.slow
def test_two_reports_are_compared_with_intervals(model, tmp_path):
    reports = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in reports:
        bench(model, "--out", path, rounds=2)
    slower = json.loads(reports[1].read_text())
    for one in slower["results"][0]["rounds"]:
        one["latencies_ms"] = [3 * value for value in one["latencies_ms"]]
    slower["results"][0]["figures"]["latency, median"]["value"] *= 3
    reports[1].write_text(json.dumps(slower))
    ran = CliRunner().invoke(command, ["--compare", *map(str, reports), "--json"])
    (row,) = json.loads(ran.stdout)["latency"]
    ratio = row["ratio"]
    assert ratio["low"] <= ratio["value"] <= ratio["high"] and row["rounds"] == [2, 2]
    assert ratio["value"] == pytest.approx(row["median_ms"][1] / row["median_ms"][0])
    table = CliRunner(env={"COLUMNS": "200"}).invoke(command, ["--compare", *map(str, reports)]).stdout
    assert "not Arm" in table and f"{ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]" in table


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 1}'])
def test_a_file_that_is_no_report_is_one_line(tmp_path, content):
    path = tmp_path / "report.json"
    if content:
        path.write_text(content)
    ran = CliRunner().invoke(command, ["--compare", str(path), str(path)])
    assert isinstance(ran.exception, InputError) and "report.json" in str(ran.exception)
