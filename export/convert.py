"""Keras → int8 TFLite in a child process, so that a crash of the converter is an error and not the end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ecg_edge.errors import GateError

CHILD = (sys.executable, "-m", "export.child")
STREAM_CHILD = (sys.executable, "-m", "export.int16")
TIMEOUT = 1800  # s; a paper-size model takes about one minute on two cores
# The child takes the one that agrees best with the float model. On four rhythms (CinC 2017, 200 calibration windows)
# 99.9 gives 31 dB, 99.99 gives 36, 99.999 gives 35 and the plain minimum and maximum 32; where artefacts are not rare,
# a lower one wins.
PERCENTILES = (99, 99.9, 99.99)


class ExportError(GateError):
    """The converter could not make an integer file of this model."""


def convert(model, calibration: dict[str, np.ndarray], timeout: float = TIMEOUT, child=None) -> bytes:
    """`model` (keras.Model) as an int8 TFLite file, calibrated on `calibration`: input name → (n, ...) float32. Its
    metadata are {"quantisation": …} alone. `child`: STREAM_CHILD for the file of a step.

    Raises ExportError when the child process fails, crashes, or takes longer than `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="ecg-edge-export-") as name:
        folder = Path(name)
        model.save(folder / "model.keras")
        for key, windows in calibration.items():
            np.save(folder / f"{key}.npy", np.asarray(windows, np.float32))
        (folder / "settings.json").write_text(json.dumps({"percentiles": PERCENTILES, "inputs": list(calibration)}))
        _run([*(child or CHILD), str(folder)], timeout)
        made = folder / "int8.tflite"
        if not made.exists():
            raise ExportError("the conversion ended without a file, and without saying why")
        return made.read_bytes()


def _run(command, timeout):
    root = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONWARNINGS": "ignore",
        "KERAS_BACKEND": "tensorflow",  # a model trained under another backend loads all the same
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",  # conversion is no work for a GPU, and starting one costs seconds
    }
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=environment,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"the conversion did not end within {timeout:g} s: try fewer calibration windows or a smaller preset"
        ) from None
    if done.returncode < 0:
        raise ExportError(
            f"the converter crashed ({signal.Signals(-done.returncode).name}): a layer of this model has no integer "
            "form (a loop, or an operator of TensorFlow's own), or memory ran out; try the architecture's tiny preset "
            "to tell which"
        )
    if done.returncode > 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        cause = lines[-1] if lines else f"exit status {done.returncode}, and no message"
        raise ExportError(f"the conversion failed: {cause[:500]}")
