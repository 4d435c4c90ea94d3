"""The folder through which the export and its child process exchange a model, windows and the converted file.

model.keras, settings.json, <part>/<input>.npy      written before: parts are calibration, check and training
model.tflite                                        written by the child; its metadata say how it was quantised
checked/<output>.npy, layers.json                   by the 8-bit conversion: see Converted
"""

import dataclasses
import json
import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.quantise.layer_error import LayerError
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata


@dataclasses.dataclass(frozen=True)
class ExportWindows:
    """Windows of signal, float32 (n, …) by input name.

    Attributes:
        calibration: They decide the ranges of the activations.
        check: Others, on which the converted file is compared with the float model.
        training: Those that quantisation-aware training learns from.
    """

    calibration: Mapping[str, np.ndarray]
    check: Mapping[str, np.ndarray]
    training: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @staticmethod
    def count(part: Mapping[str, np.ndarray]) -> int:
        """The number of windows in one of the parts."""
        return len(next(iter(part.values()))) if part else 0


@dataclasses.dataclass(frozen=True)
class Converted:
    """The result of a conversion.

    Attributes:
        data: The .tflite file. Its metadata state the quantisation and, of a step, the states.
        checked: Outputs of the fake-quantised model on the check windows, by output name of the file's signature.
        layers: The error of every layer, worst first. Empty where the activations do not have 8 bits.
    """

    data: bytes
    checked: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    layers: Sequence[LayerError] = ()


@dataclasses.dataclass(frozen=True)
class ConversionJob:
    """A conversion as the child process sees it."""

    folder: Path
    settings: Mapping[str, Any]
    model: keras.Model
    windows: Mapping[str, Mapping[str, np.ndarray]]

    def report_progress(self, stage: str, done: int, total: int) -> None:
        """Tells the parent process how far the conversion is: a line of JSON on stdout."""
        print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)

    def write(self, data: bytes, metadata: ModelMetadata, converted: Converted | None = None) -> None:
        """Writes the converted file with `metadata`, and what `converted` holds beside it."""
        if converted:
            (self.folder / "checked").mkdir()
            for name, values in converted.checked.items():
                np.save(self.folder / "checked" / f"{name}.npy", values)
            (self.folder / "layers.json").write_text(json.dumps([*map(dataclasses.asdict, converted.layers)]))
        (self.folder / "model.tflite").write_bytes(flatbuffer.set_metadata(data, metadata))


def write_job(folder: Path, model: keras.Model, windows: ExportWindows, settings: Mapping[str, Any]) -> None:
    """Lays out the folder of a conversion for the child process."""
    model.save(folder / "model.keras")
    for part in ("calibration", "check", "training"):
        arrays = getattr(windows, part)
        if arrays:
            (folder / part).mkdir()
        for name, values in arrays.items():
            np.save(folder / part / f"{name}.npy", np.asarray(values, np.float32))
    (folder / "settings.json").write_text(json.dumps(settings))


def read_job(folder: Path) -> ConversionJob:
    """Reads what `write_job` wrote; windows are mapped into memory."""
    windows = {
        part.name: {file.stem: np.load(file, mmap_mode="r") for file in sorted(part.iterdir())}
        for part in folder.iterdir()
        if part.is_dir()
    }
    import_layers()
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return ConversionJob(folder, json.loads((folder / "settings.json").read_text()), model, windows)


def read_converted(folder: Path) -> Converted:
    """Reads what ConversionJob.write wrote."""
    data = (folder / "model.tflite").read_bytes()
    if not (folder / "layers.json").exists():
        return Converted(data)
    checked = {path.stem: np.load(path) for path in (folder / "checked").iterdir()}
    layers = [LayerError(**row) for row in json.loads((folder / "layers.json").read_text())]
    return Converted(data, checked, layers)


def import_layers() -> None:
    """Imports every layer: Keras finds a layer in a saved model only once the file that registers it is imported."""
    import models_keras.layers

    for module in pkgutil.iter_modules(models_keras.layers.__path__, "models_keras.layers."):
        import_module(module.name)
