"""The conversion in its child process."""

import sys

import pytest

from export import convert as conversion
from export.convert import ExportError, convert
from export.lint import lint
from firmware_bench.bench_rpi import read_metadata


@pytest.mark.slow
def test_child_gives_a_sound_integer_file(recogniser, agreement):
    data = convert(recogniser.model, {"ecg": recogniser.windows})
    assert all(gate.passed for gate in lint(data))
    assert agreement(data)[0] > 25
    quantisation = read_metadata(data)["quantisation"]
    assert quantisation["calibration_windows"] == 60 and quantisation["percentile"] in conversion.PERCENTILES


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
def test_whatever_befalls_the_child_is_one_error(recogniser, monkeypatch, script, message):
    monkeypatch.setattr(conversion, "CHILD", (sys.executable, "-c", script))
    with pytest.raises(ExportError, match=message) as caught:
        convert(recogniser.model, {"ecg": recogniser.windows[:2]}, timeout=1 if "sleep" in script else 60)
    assert "\n" not in str(caught.value) and caught.value.exit_status == 1
