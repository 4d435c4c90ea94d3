"""What the export and its child process send each other through pipes: no file is left, however one of them ends.

To the child, a length of 8 bytes and an archive of NumPy: the model's configuration and weights, the settings, windows.
From the child, lines of JSON: {"stage", "done", "total"}, and {"result": length} with an archive of this length behind
it: the converted file, whose metadata say how it was quantised, and what Converted holds beside it.
"""

import dataclasses
import io
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, BinaryIO, cast

import keras
import numpy as np

from export.quantise.layer_error import LayerError
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata

PARTS = ("calibration", "check", "training")  # of the windows


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

    settings: Mapping[str, Any]
    model: keras.Model
    windows: Mapping[str, Mapping[str, np.ndarray]]
    channel: BinaryIO

    def report_progress(self, stage: str, done: int, total: int) -> None:
        """Tells the parent process how far the conversion is."""
        self._send({"stage": stage, "done": done, "total": total})

    def write(self, data: bytes, metadata: ModelMetadata, converted: Converted | None = None) -> None:
        """Sends the converted file with `metadata`, and what `converted` holds beside it, to the parent process."""
        beside = converted or Converted(b"")
        layers = json.dumps([*map(dataclasses.asdict, beside.layers)])
        checked = {f"checked/{name}": values for name, values in beside.checked.items()}
        file = np.frombuffer(flatbuffer.set_metadata(data, metadata), np.uint8)
        archive = _pack({"tflite": file, "layers": np.asarray(layers), **checked})
        self._send({"result": len(archive)}, archive)

    def _send(self, message: Mapping[str, Any], archive: bytes = b"") -> None:
        self.channel.write(json.dumps(message).encode() + b"\n" + archive)
        self.channel.flush()


def pack_job(model: keras.Model, windows: ExportWindows, settings: Mapping[str, Any]) -> bytes:
    """Returns what `unpack_job` makes a job of."""
    parts = {
        f"{part}/{name}": np.asarray(values, np.float32)
        for part in PARTS
        for name, values in getattr(windows, part).items()
    }
    weights = {f"weights/{number}": values for number, values in enumerate(model.get_weights())}
    texts = {"model": np.asarray(model.to_json()), "settings": np.asarray(json.dumps(settings))}
    return _pack({**texts, **weights, **parts})


def unpack_job(data: bytes, channel: BinaryIO) -> ConversionJob:
    """Returns the job that `pack_job` packed, which answers through `channel`."""
    arrays = _unpack(data)
    import_layers()
    configuration = json.loads(str(arrays["model"]))
    configuration.pop("compile_config", None)
    model = cast("keras.Model", keras.models.model_from_json(json.dumps(configuration)))
    model.set_weights([arrays[f"weights/{number}"] for number in range(len(model.weights))])
    windows = {part: _select(arrays, part) for part in PARTS}
    return ConversionJob(json.loads(str(arrays["settings"])), model, windows, channel)


def receive_result(
    channel: BinaryIO, progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> Converted | None:
    """Returns what ConversionJob.write sent through `channel`, None where it ends before; reports the progress."""
    for line in channel:
        message = json.loads(line)
        if "result" not in message:
            progress(*message.values())
            continue
        archive = channel.read(message["result"])
        if len(archive) < message["result"]:
            break
        arrays = _unpack(archive)
        layers = [LayerError(**row) for row in json.loads(str(arrays["layers"]))]
        return Converted(arrays["tflite"].tobytes(), _select(arrays, "checked"), layers)
    return None


def _pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    memory = io.BytesIO()
    np.savez(memory, **arrays)  # pyright: ignore[reportArgumentType]  taken for allow_pickle
    return memory.getvalue()


def _unpack(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data)) as archive:
        return dict(archive)


def _select(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{part}/"): x for name, x in arrays.items() if name.startswith(f"{part}/")}


def import_layers() -> None:
    """Imports every layer: Keras finds a layer in a saved model only once the file that registers it is imported."""
    import models_keras.layers

    for module in pkgutil.iter_modules(models_keras.layers.__path__, "models_keras.layers."):
        import_module(module.name)
