"""A model file from somewhere is tried in a child process before it runs here."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder, small_network

from firmware_bench import model_trial
from firmware_bench.model_trial import remember_model, try_model
from firmware_bench.runtime.errors import ModelError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def growing(times: int) -> bytes:
    """A tensor is joined to itself many times, while every tensor states a small shape."""
    file = TFLiteBuilder()
    x = file.tensor((1, 1024), np.int8, 0.1)
    for _ in range(times):
        x = file.operator("CONCATENATION", 2, [x, x], file.tensor((1, 1024), np.int8, 0.1),
                          schema.ConcatenationOptionsT(axis=1))  # fmt: skip
    return file.data([0], [x])


def test_a_sound_file_is_tried_once(cache, monkeypatch):
    try_model(small_network(), "model")
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(subprocess, "run", lambda *words, **how: pytest.fail("it was tried again"))
    try_model(small_network(), "model")


def test_another_file_is_tried_although_one_is_known(cache, monkeypatch):
    remember_model(small_network())
    with pytest.raises(ModelError, match="^other:"):
        try_model(growing(40), "other")


def test_a_tensor_that_grows_beyond_memory_is_one_line():
    with pytest.raises(ModelError, match="^big.tflite: ") as caught:
        try_model(growing(40), "big.tflite")
    assert "\n" not in str(caught.value) and "/tmp" not in str(caught.value)


@pytest.mark.parametrize("end", [signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU])
def test_a_crash_is_one_line(end, monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(f"import os; os.kill(os.getpid(), {int(end)})")
    monkeypatch.setattr(model_trial, "program_path", lambda: program)
    with pytest.raises(ModelError, match=rf"^model: ai-edge-litert .* crashes on it \(signal {int(end)}\)"):
        try_model(small_network(), "model")


def test_no_end_is_one_line(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import time; time.sleep(100)")
    monkeypatch.setattr(model_trial, "program_path", lambda: program)
    monkeypatch.setattr(model_trial, "WALL_SECONDS", 0.5)
    with pytest.raises(ModelError, match="does not end"):
        try_model(small_network(), "model")


def test_a_cache_that_cannot_be_written_is_no_reason_to_refuse(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")  # where a folder would have to be, which not even root can write into
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "file"))
    try_model(small_network(), "model")


def test_the_command_line_reports_a_file_that_grows_in_one_line(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(growing(40))
    ran = subprocess.run(
        [sys.executable, "-m", "ecg_edge", "predict", str(path), "record"],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1, ran.stderr
