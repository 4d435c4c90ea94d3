"""The command line as a whole: quick help, lazy commands, expected errors in one line."""

import subprocess
import sys
import time

import click
import pytest

from ecg_edge import console
from ecg_edge.cli import main as command_line
from ecg_edge.cli.main import COMMANDS
from firmware_bench.runtime.errors import AcceptanceError, InputError


def test_help_is_quick_and_names_every_command():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        ran = subprocess.run([sys.executable, "-m", "ecg_edge", "--help"], capture_output=True, text=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1
    assert ran.returncode == 0
    assert all(command in ran.stdout for command in COMMANDS)


@pytest.mark.parametrize("words", [["--quiet", "predict", "none.tflite", "r1"],
                                   ["predict", "none.tflite", "r1", "--quiet"]])  # fmt: skip
def test_quiet_may_stand_before_the_command_and_behind_it(words, capsys):
    try:
        with pytest.raises(InputError, match="none.tflite"):
            command_line.cli.main(words, standalone_mode=False)
        console.log("a message")
    finally:
        console.silence(False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_and_imports_no_keras(command):
    code = (
        "import sys; sys.argv = ['ecg-edge', sys.argv[1], '--help']\n"
        "from ecg_edge.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    print(sorted({'keras', 'tensorflow', 'wfdb', 'scipy'} & set(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Examples:" in ran.stdout
    assert ran.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "did you mean train"),
        (["train"], "--arch"),
        (["train", "--arch", "cnn_att_bilstn"], "did you mean cnn_att_bilstm"),
        (["train", "--arch", "cnn", "--preset", "tinny"], "did you mean tiny"),
        (["train", "--arch", "cnn", "--data", "cinc2071"], "did you mean cinc2017"),
        (["train", "--arch", "cnn", "--leads", "IX"], "'IX'"),
        (["train", "--arch", "cnn", "--set", "training.bach=3"], "did you mean training.batch"),
        (["train", "--arch", "cnn", "--set", "training.batch=0"], "above 0"),
        (["train", "--arch", "cnn", "--set", "task.labels=own"], "no setting"),
        (["train", "--resume", "nowhere"], "not the folder of a run"),
        (["train", "--resume", "nowhere", "--epochs", "3"], "leave out --epochs"),
        (["evaluate", "nowhere"], "not the folder of a run"),
        (["evaluate", "nowhere", "--tta", "0"], "--tta"),
        (["export", "nowhere", "--int8"], "not the folder of a run"),
        (["train", "--arch"], "requires an argument"),
        (["mcu", "nothing.tflite", "--board", "nrf5280"], "did you mean nRF52840"),
        (["bench", "nothing.tflite"], "nothing.tflite"),
        (["predict", "nothing.tflite", "A00001"], "nothing.tflite"),
        (["live", "nothing.tflite", "--replay", "A00001"], "nothing.tflite"),
        (["live", "m.tflite"], "name one signal: --replay RECORD"),
        (["live", "m.tflite", "-", "--serial", "COM1"], "name one signal: --replay RECORD"),
        (["live", "m.tflite", "-"], "state the sensor: --counts-per-unit"),
        (["live", "m.tflite", "--replay", "A00001", "--counts-per-unit", "200"], "leave --sensor-rate and"),
        (["live", "m.tflite", "--replay", "A00001", "--speed", "fast"], "a speed of fast"),
        (["live", "m.tflite", "-", "--counts-per-unit", "200", "--fs", "250"], "--sensor-rate and --leads describe"),
    ],
)
def test_wrong_usage_is_one_line_with_a_remedy_and_status_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ecg-edge", *words])
    with pytest.raises(SystemExit) as exit_:
        command_line.main()
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("the file is\ndamaged"), 2, "error: the file is damaged"),
        (AcceptanceError("17 dB, the bar is 20"), 1, "error: 17 dB, the bar is 20"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (
            OSError(28, "No space left on device", "/proc/version"),
            2,
            "error: /proc/version: the disk is full (the one mounted at /proc)",
        ),
        (PermissionError(13, "Permission denied", "runs/a"), 2, "error: runs/a: Permission denied"),
        (click.UsageError("no such option"), 2, "Error: no such option"),
    ],
)
def test_expected_errors_become_a_line_and_a_status(error, status, line, monkeypatch, capsys):
    def fails(**_):
        raise error

    monkeypatch.setattr(command_line.cli, "main", fails)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    with pytest.raises(SystemExit) as exit_:
        command_line.main()
    assert exit_.value.code == status
    assert capsys.readouterr().err.strip().splitlines()[-1] == line


def test_an_interrupt_prints_one_line_only():
    code = (
        "from ecg_edge.cli import main as command_line\n"
        "class Queue:\n"
        "    def __init__(self):\n        raise KeyboardInterrupt\n"
        "    def __del__(self):\n        self.lock.acquire()\n"
        "command_line.cli.main = lambda **_: Queue()\n"
        "command_line.main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (130, "error: interrupted\n")


def test_a_bug_shows_its_traceback(monkeypatch):
    def fails(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(command_line.cli, "main", fails)
    with pytest.raises(ZeroDivisionError):
        command_line.main()
