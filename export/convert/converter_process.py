"""Runs a conversion in a child process, because the TFLite converter may crash with a segmentation fault."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import keras

from export.convert.conversion_job import Converted, ExportWindows, pack_job, receive_result
from export.convert.converter_child import LENGTH_BYTES, OS_ERROR_STATUS
from firmware_bench.runtime.errors import AcceptanceError, InputError
from firmware_bench.runtime.files import temporary_folder

# Started by file and without the working folder on its path (-P), where a file may have the name of one of our modules.
CHILD = (sys.executable, "-P", str(Path(__file__).with_name("converter_child.py")))
TIMEOUT_S = 7200  # a paper-size model takes about a minute on two cores, its fine-tuning half an hour
MESSAGE_CHARACTERS = 500  # of the child's last message


class ConversionError(AcceptanceError):
    """The converter could not make an integer file of this model."""


def convert_in_child(
    model: keras.Model,
    windows: ExportWindows,
    settings: dict[str, Any],
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
    timeout_s: float = TIMEOUT_S,
) -> Converted:
    """Converts `model` in a child process.

    Args:
        model: The trained model.
        windows: Those that the conversion needs.
        settings: "method", the module of export.convert that converts, and the settings of that module.
        progress: Called with (stage, done, total).
        timeout_s: Seconds until the child process is stopped.

    Returns:
        The converted file.

    Raises:
        ConversionError: The child process failed, crashed, or took longer than `timeout_s`.
        InputError: The disk is full, or another error of the operating system.
    """
    result = _run_child(CHILD, pack_job(model, windows, settings), progress, timeout_s)
    if result is None:
        raise ConversionError("the conversion ended without a file and without a message")
    return result


def _run_child(command, job: bytes, progress, timeout_s: float) -> Converted | None:
    """Sends the job to the child process; returns its result, None where it ended without one."""
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
        "KERAS_BACKEND": "tensorflow",  # loads a model trained under another backend all the same
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",  # the conversion does not use a GPU, and starting one costs seconds
    }
    with (
        temporary_folder("ecg-edge-export") as folder,  # the converter keeps the model's weights there for a while
        tempfile.TemporaryFile("w+", errors="replace") as messages,
    ):
        environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, env=environment
        )
        with _stop_after(child, timeout_s) as timed_out:
            result = _exchange(child, job, progress)
            status = child.wait()
        messages.seek(0)
        lines = [line.strip() for line in messages if line.strip()]
    if timed_out.is_set():
        raise ConversionError(
            f"the conversion did not end within {timeout_s:g} s: try fewer calibration windows or a smaller preset"
        )
    if status < 0:
        raise ConversionError(
            f"the converter crashed ({signal.Signals(-status).name}): a layer of this model has no integer "
            "form (a loop, or an operator of TensorFlow's own), or memory ran out; try the architecture's tiny preset "
            "to tell which"
        )
    if status > 0:
        cause = lines[-1] if lines else f"exit status {status}, and no message"
        kind = InputError if status == OS_ERROR_STATUS else ConversionError
        raise kind(f"the conversion failed: {cause[:MESSAGE_CHARACTERS]}")
    return result


def _exchange(child: subprocess.Popen, job: bytes, progress) -> Converted | None:
    """Sends the job, reports progress and returns the result; the child's stdin stays open, by which it knows of us."""
    assert child.stdin and child.stdout
    with contextlib.suppress(BrokenPipeError):  # it has ended, and its status tells why
        child.stdin.write(len(job).to_bytes(LENGTH_BYTES) + job)
        child.stdin.flush()
    return receive_result(cast("BinaryIO", child.stdout), progress)


@contextlib.contextmanager
def _stop_after(child: subprocess.Popen, timeout_s: float) -> Iterator[threading.Event]:
    """Kills `child` after `timeout_s`, which sets the event, and at the end of the block."""
    timed_out = threading.Event()

    def stop():
        timed_out.set()
        child.kill()

    alarm = threading.Timer(timeout_s, stop)
    alarm.start()
    try:
        yield timed_out
    finally:
        alarm.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):  # of what the child did not take
                assert pipe
                pipe.close()
