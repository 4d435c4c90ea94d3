"""The conversion in its child process."""

import sys

import numpy as np
import pytest

from export.convert import converter_process as conversion
from export.convert.conversion_job import ExportWindows
from export.convert.converter_process import ConversionError
from export.convert.strategies import PERCENTILES, convert
from export.verify.lint import lint
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.tflite_model import TFLiteModel


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
    ],
)
def test_every_failure_of_the_child_process_is_one_error(recogniser, monkeypatch, script, message):
    monkeypatch.setattr(conversion, "CHILD", (sys.executable, "-c", script))
    with pytest.raises(ConversionError, match=message) as caught:
        windows = ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others[:2]})
        convert(recogniser.model, windows, timeout_s=1 if "sleep" in script else 60)
    assert "\n" not in str(caught.value) and caught.value.exit_status == 1
