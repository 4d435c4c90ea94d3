"""Parts of the installation that are missing: what works without them, and the one line where they are needed."""

import json
import os
import subprocess
import sys

import pytest
from small_models import causal, convolutional

from ecg_edge.demo import write_wfdb
from ecg_edge.extras import require
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.runtime.errors import InputError

OPTIONAL = ("serial", "tflite_micro", "keras", "tensorflow", "jax", "matplotlib", "sklearn", "ethosu")


HIDE = """
import importlib.machinery, sys

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)

sys.meta_path = [Finder if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
"""


def run_python_without(packages, code, *words, **environment):
    """A Python in which `packages` are not installed."""
    return subprocess.run(
        [sys.executable, "-c", f"HIDDEN = {tuple(packages)!r}\n{HIDE}\n{code}", *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def run_without(packages, *words, **environment):
    """The command line in such a Python."""
    code = "from ecg_edge.cli.main import main; sys.argv = ['ecg-edge', *sys.argv[1:]]; main()"
    return run_python_without(packages, code, *words, **environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "model.tflite").write_bytes(convolutional())
    (folder / "causal.tflite").write_bytes(causal(convolutional()))
    write_wfdb(synthesise("AF", seed=1), folder)
    return folder


def last_line(ran, status):
    assert ran.returncode == status, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr.splitlines()[-1]


def test_predict_bench_mcu_and_data_need_no_optional_package(folder):
    model = folder / "model.tflite"
    ran = run_without(OPTIONAL, "predict", model, folder / "AF-1", "--json")
    assert last_line(ran, 0) == f"next: ecg-edge bench {model}" and len(json.loads(ran.stdout)["records"]) == 1
    ran = run_without(OPTIONAL, "bench", model, "--rounds", 1, "--windows", 50)
    assert last_line(ran, 0) == f"next: ecg-edge mcu {model}" and "latency" in ran.stdout
    ran = run_without(OPTIONAL, "mcu", model, "--board", "RP2040", "--json", PATH="/nonexistent")
    last_line(ran, 0)
    report = json.loads(ran.stdout)
    assert report["c99"]["static_ram"]["bytes"] > 0 and "TensorFlow Lite Micro" in report["arena"]["none"]
    assert report["boards"]["RP2040"]["verdict"] == "flash fits, RAM not measured"
    shown = run_without(OPTIONAL, "mcu", model, "--board", "RP2040", PATH="/nonexistent").stdout
    assert "Tensor arena: not measured, TensorFlow Lite Micro" in shown
    assert json.loads(run_without(OPTIONAL, "data", "list", "--json").stdout)["synthetic"]
    assert "pip install" in run_without(OPTIONAL).stdout


def test_live_needs_no_optional_package_but_for_a_serial_port(folder):
    words = ("live", folder / "causal.tflite", "--replay", folder / "AF-1", "--speed", "max", "--json")
    ran = run_without(OPTIONAL, *words)
    last_line(ran, 0) if ran.stderr else None
    assert len(ran.stdout.splitlines()) >= 3 and all(json.loads(line)["labels"] for line in ran.stdout.splitlines())
    ran = run_without(["serial"], *words[:2], "--serial", "/dev/ttyUSB0", "--counts-per-unit", 200)
    assert last_line(ran, 2).endswith('a serial port needs serial, not installed here: pip install "ecg-edge[serial]"')


def test_without_matplotlib_the_table_is_printed_and_a_line_says_why_there_is_no_plot(folder, tmp_path):
    out = tmp_path / "report.json"
    ran = run_without(["matplotlib"], "bench", folder / "model.tflite", "--rounds", 1, "--windows", 50, "--out", out)
    assert last_line(ran, 0).startswith("next: ") and "published 3.66 MB" in ran.stdout
    assert 'matplotlib, not installed here: pip install "ecg-edge[plot]"' in ran.stderr
    assert json.loads(out.read_text())["results"] and not out.with_suffix(".png").exists()


def test_without_matplotlib_a_picture_is_refused_in_a_line(folder, tmp_path):
    words = ("predict", folder / "model.tflite", folder / "AF-1", "--plot", tmp_path / "ecg.png")
    line = last_line(run_without(["matplotlib"], *words), 2)
    assert line.endswith('a picture of an ECG needs matplotlib, not installed here: pip install "ecg-edge[plot]"')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["train", "--arch", "cnn", "--dry-run"], ["archs"], ["ablate", "cnn", "leads"]])
def test_without_keras_a_line_names_the_command(words):
    assert last_line(run_without(["keras"], *words), 2).endswith(
        'keras, not installed here: pip install "ecg-edge[train]"'
    )


def test_without_a_backend_a_line_names_the_command():
    ran = run_without(["jax"], "train", "--arch", "cnn", "--dry-run", KERAS_BACKEND="jax")
    assert "Keras' backend jax, not installed here: pip install" in last_line(ran, 2)


def test_without_tensorflow_keras_runs_on_jax():
    pytest.importorskip("jax")
    code = (
        "import os; os.environ.pop('KERAS_BACKEND', None)\n"
        "from ecg_edge.keras_backend import import_keras; import_keras()\n"
        "import keras; print(keras.backend.backend())"
    )
    assert run_python_without(["tensorflow"], code).stdout.strip() == "jax"


def test_what_is_installed_is_not_refused(monkeypatch):
    require("plot", "a plot")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        InputError, match='a plot needs matplotlib, not installed here: pip install "ecg-edge\\[plot\\]"'
    ):
        require("plot", "a plot")
