"""The conversion in its child process."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from export.convert import converter_process as conversion
from export.convert.conversion_job import ExportWindows, pack_job, unpack_job
from export.convert.converter_process import ConversionError
from export.convert.strategies import PERCENTILES, convert
from export.verify.lint import lint
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime import files
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.tflite_model import TFLiteModel

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_child_process_converts_to_an_integer_file_that_agrees_with_keras(recogniser, agreement):
    stages = []
    made = convert(
        recogniser.model,
        ExportWindows({"ecg": recogniser.windows}, {"ecg": recogniser.others}),
        progress=lambda *progress: stages.append(progress),
    )
    assert all(check.passed for check in lint(made.data)) and stages == [("converting", 0, 1)]
    assert agreement(made.data)[0] > 25
    (rounded,) = made.checked.values()
    model = TFLiteModel(made.data)
    assert sqnr_db(rounded, np.stack([model.run(window) for window in recogniser.others])) > 35
    found = [error.sqnr_db for error in made.layers]
    assert (
        found == sorted(found)
        and len(found) > 15
        and all(error.sqnr_alone_db >= error.sqnr_db - 3 for error in made.layers)
    )
    quantisation = read_metadata(made.data).quantisation
    assert quantisation.calibration_windows == 60 and quantisation.percentile in PERCENTILES


@pytest.mark.slow
def test_files_in_the_working_folder_do_not_shadow_modules(recogniser, monkeypatch, tmp_path):
    names = ("export", "ecg_edge", "models_keras", "firmware_bench", "keras", "numpy", "tensorflow", "flatbuffers")
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name}.py of the working folder was imported')")
    monkeypatch.chdir(tmp_path)
    windows = {"ecg": recogniser.windows[:2]}
    assert all(check.passed for check in lint(convert(recogniser.model, windows).data))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"crashed \(SIGSEGV\).*try"),
        ("import os; os.abort()", r"crashed \(SIGABRT\)"),
        ("raise ValueError('layer gru has no kernel')", "failed: ValueError: layer gru has no kernel"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("pass", "ended without a file"),
        ("import time; time.sleep(60)", "did not end within 1 s"),
        ("import os; os.close(0); os.write(1, b'{\"result\": 9}\\nhalf')", "ended without a file"),
    ],
)
def test_every_failure_of_the_child_process_is_one_error(recogniser, monkeypatch, script, message):
    monkeypatch.setattr(conversion, "CHILD", (sys.executable, "-c", script))
    with pytest.raises(ConversionError, match=message) as caught:
        windows = ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others[:2]})
        convert(recogniser.model, windows, timeout_s=1 if "sleep" in script else 60)
    assert "\n" not in str(caught.value) and caught.value.exit_status == 1


def test_what_the_operating_system_refuses_the_child_process_is_an_error_of_the_input(recogniser, monkeypatch):
    script = "import sys; print('/tmp/x: full', file=sys.stderr); sys.exit(2)"
    monkeypatch.setattr(conversion, "CHILD", (sys.executable, "-c", script))
    with pytest.raises(InputError, match="failed: /tmp/x: full"):
        convert(recogniser.model, ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others[:2]}))


def test_the_job_holds_the_model_and_the_windows_as_they_are(recogniser):
    windows = ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others[:2]})
    job = unpack_job(pack_job(recogniser.model, windows, {"method": "int8"}), io.BytesIO())
    for ours, theirs in zip(job.model.get_weights(), recogniser.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(job.windows["check"]["ecg"], recogniser.others[:2])
    assert job.settings == {"method": "int8"} and job.windows["training"] == {} and not job.model.compiled


KILLED = """
import glob, os, signal, sys, threading, time
from export.convert import converter_process
def kill():
    while not glob.glob(os.environ["TMPDIR"] + "/.*/weights"):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
converter_process._run_child((sys.executable, "-c", CHILD), b"w" * 700_000, print, 60)
"""
WAITING = """
import os, sys
sys.path.insert(0, os.environ["PYTHONPATH"])
from export.convert import converter_child
if BY_SIGNAL: converter_child._end_with_parent()
import threading
print(os.getpid(), os.environ["TMPDIR"], file=open(os.environ["NOTE"], "w"), flush=True)
sys.stdin.buffer.read(8)
sys.stdin.buffer.read(700_000)
if not BY_SIGNAL: threading.Thread(target=converter_child._end_at_end_of, args=(0,), daemon=True).start()
open(os.path.join(os.environ["TMPDIR"], "weights"), "w").close()
import time
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("by_signal", [True, False])
def test_a_killed_export_leaves_no_process_and_its_temporary_folder_to_the_next_one(tmp_path, by_signal, monkeypatch):
    """By the signal that Linux sends, and by the end of the pipe, as on other systems."""
    note = tmp_path / "note"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "NOTE": str(note), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED.replace("CHILD", repr(WAITING.replace("BY_SIGNAL", str(by_signal))))]
    assert subprocess.run(command, env=environment, cwd=ROOT).returncode == -signal.SIGKILL
    child, folder = note.read_text().split()
    for _ in range(50):
        if not is_running(int(child)):
            break
        time.sleep(0.1)
    assert not is_running(int(child))
    monkeypatch.setattr(files, "_swept", set())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with files.temporary_folder("ecg-edge-export") as own:
        assert own.stat().st_mode & 0o777 == 0o700 and not Path(folder).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def is_running(process):
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
