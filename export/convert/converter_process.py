"""Keras → integer TFLite in a child process, so that a crash of the converter is an error and not the end."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from firmware_bench.runtime.errors import AcceptanceError

CHILD = (sys.executable, "-m", "export.convert.int8")
CHILD_16_BITS = (sys.executable, "-m", "export.convert.int16")
CHILD_WEIGHTS = (sys.executable, "-m", "export.convert.weight_only")
TIMEOUT = 7200  # s; a paper-size model takes about a minute on two cores, its fine-tuning half an hour
# The child takes the one that agrees best with the float model. On four rhythms (CinC 2017, 200 calibration windows)
# 99.9 gives 31 dB, 99.99 gives 36, 99.999 gives 35 and the plain minimum and maximum 32; where artefacts are not rare,
# a lower one wins.
PERCENTILES = (99, 99.9, 99.99)


class ExportError(AcceptanceError):
    """The converter could not make an integer file of this model."""


@dataclasses.dataclass(frozen=True)
class Windows:
    """What a conversion works with, float32 (n, ...) by input name: windows that decide the ranges, others that check
    the result, and those that fine-tuning learns from."""

    calibration: Mapping[str, np.ndarray]
    check: Mapping[str, np.ndarray]
    training: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @staticmethod
    def count(part: Mapping[str, np.ndarray]) -> int:
        return len(next(iter(part.values()))) if part else 0


@dataclasses.dataclass(frozen=True)
class Converted:
    """data: the file, whose metadata state the quantisation alone. checked: the answers of the fake-quantised model to
    the check windows, by output name of the file's signature. layers: export.quantise.layer_error.errors."""

    data: bytes
    checked: Mapping[str, np.ndarray]
    layers: Sequence[dict]


def convert(
    model,
    windows: Windows,
    target: str = "mcu",
    epochs: int = 0,
    timeout: float = TIMEOUT,
    advance: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Converted:
    """`model` (keras.Model) as an integer TFLite file for `target` (export.convert.targets.TARGETS), fine-tuned with
    fake quantisation for so many `epochs`. `advance(stage, done, total)` tells how far it is. A model with a layer that
    needs 16-bit activations gets them throughout, by calibration, and for a Raspberry Pi float ones.

    Raises ExportError when the child process fails, crashes, or takes longer than `timeout` seconds.
    """
    if needs_16_bits(model):
        return Converted(convert_16_bits(model, windows.calibration, target, timeout=timeout), checked={}, layers=())
    parts = {"calibration": windows.calibration, "check": windows.check, "training": windows.training}
    settings = {"target": target, "epochs": epochs, "percentiles": PERCENTILES}
    with _child(CHILD, model, parts, settings, timeout, advance) as folder:
        checked = {path.stem: np.load(path) for path in (folder / "checked").iterdir()}
        layers = json.loads((folder / "layers.json").read_text())
        return Converted((folder / "model.tflite").read_bytes(), checked, layers)


def needs_16_bits(model) -> str | None:
    """The name of the first layer of `model` that needs 16-bit activations."""
    from models_keras.layers.selective_ssm import Int16ActivationLayer  # imports Keras

    return next((layer.name for layer in model._flatten_layers() if isinstance(layer, Int16ActivationLayer)), None)


def convert_16_bits(
    model,
    calibration: Mapping[str, np.ndarray],
    target: str = "mcu",
    streaming: bool = False,
    timeout: float = TIMEOUT,
) -> bytes:
    """`model` (keras.Model), or with `streaming` its step, as a TFLite file of 16-bit activations; of float ones for a
    Raspberry Pi. Its metadata are what export.convert.int16 or export.convert.weight_only says. Raises ExportError as
    `convert` does."""
    settings = {"target": target, "streaming": streaming}
    parts = {"calibration": calibration}
    child = CHILD_WEIGHTS if target == "rpi" else CHILD_16_BITS
    with _child(child, model, parts, settings, timeout, lambda *progress: None) as folder:
        return (folder / "model.tflite").read_bytes()


@contextlib.contextmanager
def _child(command, model, parts, settings, timeout, advance):
    """The folder in which a child process has left model.tflite."""
    with tempfile.TemporaryDirectory(prefix="ecg-edge-export-") as name:
        folder = Path(name)
        model.save(folder / "model.keras")
        for part, arrays in parts.items():
            if arrays:
                (folder / part).mkdir()
            for key, values in arrays.items():
                np.save(folder / part / f"{key}.npy", np.asarray(values, np.float32))
        (folder / "settings.json").write_text(json.dumps({"inputs": list(parts["calibration"]), **settings}))
        _run([*command, str(folder)], timeout, advance)
        if not (folder / "model.tflite").exists():
            raise ExportError("the conversion ended without a file, and without saying why")
        yield folder


def _run(command, timeout, advance):
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
    with tempfile.TemporaryFile("w+", errors="replace") as messages:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages, env=environment, text=True
        )
        late = threading.Event()
        alarm = threading.Timer(timeout, lambda: (late.set(), child.kill()))
        alarm.start()
        try:
            for line in child.stdout:
                if line.startswith('{"stage"'):  # the converter, too, writes to stdout
                    advance(*json.loads(line).values())
            status = child.wait()
        finally:
            alarm.cancel()
            child.kill()
            child.wait()
        messages.seek(0)
        lines = [line.strip() for line in messages if line.strip()]
    if late.is_set():
        raise ExportError(
            f"the conversion did not end within {timeout:g} s: try fewer calibration windows or a smaller preset"
        )
    if status < 0:
        raise ExportError(
            f"the converter crashed ({signal.Signals(-status).name}): a layer of this model has no integer "
            "form (a loop, or an operator of TensorFlow's own), or memory ran out; try the architecture's tiny preset "
            "to tell which"
        )
    if status > 0:
        cause = lines[-1] if lines else f"exit status {status}, and no message"
        raise ExportError(f"the conversion failed: {cause[:500]}")
