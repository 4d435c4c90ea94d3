"""Running a benchmark in this process, at tiny size."""

import importlib.util
import json
import shlex
import sys
from pathlib import Path

import pytest
from small_models import convolutional

from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch, tmp_path, capsys):
    """benchmark(NAME, words…) → the result that `python benchmarks/NAME.py words… --result FILE` writes."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))

    def run(name, *words):
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        file = tmp_path / f"{name}.json"
        words = list(map(str, words))
        monkeypatch.setattr(sys, "argv", [str(BENCHMARKS / f"{name}.py"), *words, "--result", str(file)])
        module.main(standalone_mode=False)
        result = json.loads(file.read_text())
        assert result["command"] == [shlex.join(["python", f"benchmarks/{name}.py", *words])]
        assert result["kind"] in ("measured", "estimated", "emulated")
        assert {"title", "conditions", "machine", "date", "versions"} <= result.keys() and result["rows"]
        return result

    return run


@pytest.fixture(scope="session")
def beat_run(tmp_path_factory):
    """A run of the tiny beat classifier with its integer file and its streaming step, and a record."""
    import ecg_edge

    base = tmp_path_factory.mktemp("beats")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(base / "cache"))
        run = ecg_edge.train("htf_beat", "tiny", leads=["II", "V1"], epochs=2, folder=base / "run")
        ecg_edge.export(run)
        ecg_edge.export(run, streaming=True)
        ecg_edge.evaluate(run)
        yield run.path, write_wfdb(synthesise("PVC", seed=0, leads=["II", "V1"]), base)


@pytest.fixture(scope="session")
def small_file(tmp_path_factory):
    """A small integer file of a convolution net."""
    path = tmp_path_factory.mktemp("small") / "small.tflite"
    path.write_bytes(convolutional())
    return path
