"""Models with random weights and their files: latency, memory and instructions hardly depend on weights."""

import contextlib
import dataclasses
import inspect
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg_edge.keras_backend import import_keras
from ecg_edge.tasks import TASKS
from ecg_edge.training.config import SignalConfig
from firmware_bench.runtime.errors import unknown_name
from models_keras.registry import find, names

if TYPE_CHECKING:
    import keras

# Settings that an architecture must have to be exported as a step of a stream, and their values then.
STREAMING_SETTINGS = {"bidirectional": False, "positions": False}


def build(arch: str, preset: str, leads: int | None = None, settings: dict[str, Any] | None = None) -> "keras.Model":
    """Build a preset of an architecture with random weights, seed 0.

    Args:
        arch: Name of the architecture.
        preset: Name of the preset.
        leads: Number of leads; None, or a number that the preset is not published for: its first one.
        settings: Arguments of the architecture's `build` in place of the preset's.

    Returns:
        The model, for windows of the preset's length and the number of classes of the paper.

    Raises:
        InputError: There is no such architecture or preset.
    """
    if arch not in names():
        raise unknown_name("architecture", arch, names())
    import_keras("an untrained model")
    import keras

    architecture = find(arch)
    if preset not in architecture.presets:
        raise unknown_name("preset", preset, architecture.presets)
    chosen, task_class = architecture.presets[preset], TASKS[architecture.task]
    options: Any = task_class.Options(**chosen.task)
    task = task_class([str(n) for n in range(architecture.classes)], options)
    samples = task.input_length(SignalConfig(**chosen.signal).window_spec())
    leads = leads if leads in chosen.parameters else next(iter(chosen.parameters))
    keras.utils.set_random_seed(0)
    return architecture.build(samples, leads, architecture.classes, **{**chosen.model, **(settings or {})})


def can_stream(arch: str) -> bool:
    """Return whether an architecture can be built with STREAMING_SETTINGS."""
    return STREAMING_SETTINGS.keys() <= inspect.signature(find(arch).build).parameters.keys()


def make_noise(model: "keras.Model", windows: int) -> dict[str, np.ndarray]:
    """Return white noise as the inputs of a model: input name → float32 (windows, …)."""
    random = np.random.default_rng(0)
    return {tensor.name: random.normal(size=(windows, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs}


def float_file(model: "keras.Model") -> bytes:
    """Convert a model to a float TensorFlow Lite file with fused LSTMs."""
    import tensorflow as tf

    from export.convert.convertible_layers import make_convertible

    with contextlib.redirect_stdout(io.StringIO()):  # the converter lists every variable
        return tf.lite.TFLiteConverter.from_keras_model(make_convertible(model)).convert()


def integer_file(model: "keras.Model", noise: dict[str, np.ndarray] | None = None, target: str = "mcu") -> bytes:
    """Convert a model to an integer TensorFlow Lite file.

    Args:
        model: The model.
        noise: Windows that calibrate it; None: four of white noise.
        target: "mcu", integers throughout, or "rpi", mixed precision.

    Returns:
        The file.

    Raises:
        AcceptanceError: The converter makes no such file of it.
    """
    from export.convert.strategies import convert
    from export.targets import find_target

    return convert(model, noise or make_noise(model, 4), find_target(target)).data


def streaming_file(model: "keras.Model", windows: dict[str, np.ndarray] | None = None) -> bytes:
    """Convert one step of a model, with its states as inputs and outputs, to 16-bit integers.

    Args:
        model: The model, which must be causal.
        windows: Windows that calibrate it; None: four of white noise.

    Returns:
        The file, with the metadata that firmware_bench.runtime.streaming_model needs.
    """
    from export.convert.strategies import convert
    from export.tflite.flatbuffer import set_metadata
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata_format import read_metadata

    data = convert(model, windows or make_noise(model, 4), streaming=True).data
    inputs, outputs = describe_tensors(data)
    return set_metadata(data, dataclasses.replace(read_metadata(data), inputs=inputs, outputs=outputs))
