"""No child process imports from the current folder, where a file may have the name of a module: every one is here."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from handmade_tflite import small_network

ROOT = Path(__file__).parents[1]
PACKAGES = ("firmware_bench", "models_keras", "export", "ecg_edge")
POISON = (
    "json", "numpy", "random", "keras", "tensorflow", "ai_edge_litert", "tflite_micro", "socket", "copy", "tempfile",
    "errors", "files", "machine", "measurement", "export", "firmware_bench", "flatbuffers", "select", "shutil",
)  # fmt: skip
# Module that starts a Python → code that makes it do so; `model` is the path of an exported file.
STARTERS = {
    "firmware_bench/model_trial.py": "from firmware_bench.model_trial import try_model; "
    "try_model(open(model, 'rb').read(), model)",
    "firmware_bench/measurement.py": "from firmware_bench import measurement; "
    "measurement.measure_in_subprocess(model, 1, 5)",
    "firmware_bench/mcu/tflm.py": "from firmware_bench.mcu import tflm; tflm.measure_arena(open(model, 'rb').read())",
    "firmware_bench/rpi/remote_device.py": "import subprocess, sys; from pathlib import Path; "
    "from firmware_bench.rpi import remote_device, remote_agent; "
    "agent = ascii(Path(remote_agent.__file__).read_text()) + chr(10); "
    "subprocess.run([sys.executable, '-c', remote_device.BOOTSTRAP, '1', 'x'], input=agent, text=True, check=True)",
    "export/convert/converter_process.py": "import subprocess; from export.convert.converter_process import CHILD; "
    "subprocess.run([*CHILD, '/nowhere'], stderr=subprocess.DEVNULL)",
    "ecg_edge/demo.py": "from ecg_edge.demo import run; run('--version')",
}
TESTED_ELSEWHERE = {
    "firmware_bench/rpi/local_device.py",  # device_bench runs bench_rpi.pyz with it, in a folder of its own
    "firmware_bench/rpi/remote_agent.py",  # tells the path of the Python there; its commands run in its private folder
    "firmware_bench/mcu/vela.py",  # looks for vela beside the Python; runs it in a temporary folder
}


def test_every_module_that_starts_a_python_is_known():
    found = set()
    for path in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            starts = isinstance(node, ast.Attribute) and node.attr == "executable"
            starts |= isinstance(node, ast.Name) and node.id in ("multiprocessing", "ProcessPoolExecutor", "runpy")
            starts |= isinstance(node, ast.Constant) and isinstance(node.value, str) and "python3 -c" in node.value
            if starts:
                found.add(str(path.relative_to(ROOT)))
    assert found == {*STARTERS, *TESTED_ELSEWHERE}


@pytest.mark.parametrize(
    "module", [pytest.param(name, marks=pytest.mark.slow if name.startswith("export") else ()) for name in STARTERS]
)
def test_a_child_imports_nothing_from_the_current_folder(tmp_path, module):
    if "tflm" in module:
        pytest.importorskip("tflite_micro")
    current, marker = tmp_path / "current", tmp_path / "imported"
    current.mkdir()
    for name in POISON:
        (current / f"{name}.py").write_text(
            f"open({str(marker)!r}, 'a').write({name!r} + '\\n')\nraise SystemExit(3)\n"
        )
    (tmp_path / "model.tflite").write_bytes(small_network())
    code = f"model = {str(tmp_path / 'model.tflite')!r}; {STARTERS[module]}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ECG_EDGE_CACHE": str(tmp_path / "cache"),
                   "XDG_CACHE_HOME": str(tmp_path / "cache")}  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=current, env=environment, capture_output=True, text=True
    )
    assert not marker.exists(), marker.read_text()
    # small_network has no reference vector, which measure_in_subprocess asks for when the child has imported all.
    assert ran.returncode == 0 or "reference vector" in ran.stderr, ran.stderr[-500:]
