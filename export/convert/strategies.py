"""Strategies of the export pipeline: how a model is converted, and what is special about its file.

A strategy answers the pipeline's calls in order: `prepare`, `convert`, `describe`, `lint`, `finish`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from export.convert.conversion_job import Converted, ExportWindows
from export.convert.converter_process import TIMEOUT_S, convert_in_child
from export.convert.history_step import convert_to_step
from export.convert.layer_forms import check_8_bits, check_16_bits, check_stream, first_16_bit_layer
from export.convert.streaming_step import trim_to_steps
from export.reference_vectors import VECTORS
from export.targets import MCU, Target
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.acceptance import AcceptanceCheck
from export.verify.lint import lint
from export.verify.step_parity import check_history_step, check_state_formats
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata

# The 8-bit conversion takes the one that agrees best with the float model. On four rhythms (CinC 2017, 200 calibration
# windows) 99.9 gives 31 dB, 99.99 gives 36, 99.999 gives 35 and the plain minimum and maximum 32; where artefacts are
# not rare, a lower one wins.
PERCENTILES = (99, 99.9, 99.99)

Progress = Callable[[str, int, int], None]
Histories = Mapping[str, str | None]  # as in export.convert.history_step.convert_to_step


class Strategy:
    """A conversion in one call of the child process; the subclasses say which.

    Args:
        target: The kind of device.

    Attributes:
        reference_vectors: How many the file holds.
    """

    method = ""  # the module of export.convert that converts
    reference_vectors = VECTORS

    def __init__(self, target: Target = MCU):
        self.target = target

    def prepare(self, model: keras.Model, windows: ExportWindows) -> tuple[keras.Model, ExportWindows]:
        """Checks that the model can be converted, and changes it and its windows where that is needed.

        Raises:
            InputError: It cannot be converted.
        """
        return model, windows

    def settings(self) -> dict[str, Any]:
        """The settings of the conversion job, beside method and target."""
        return {}

    def convert(
        self, model: keras.Model, windows: ExportWindows, progress: Progress, timeout_s: float = TIMEOUT_S
    ) -> Converted:
        """Converts a prepared model in a child process.

        Raises:
            ConversionError: No file comes out.
        """
        settings = {"method": self.method, "target": self.target.name, **self.settings()}
        return convert_in_child(model, windows, settings, progress, timeout_s)

    def describe(self, model: keras.Model, metadata: ModelMetadata) -> ModelMetadata:
        """The caller's metadata as they hold for the file of the prepared model."""
        return metadata

    def lint(self, data: bytes) -> list[AcceptanceCheck]:
        """The acceptance checks that need only the file."""
        return lint(data, self.target)

    def finish(
        self, data: bytes, description: ModelMetadata, windows: ExportWindows
    ) -> tuple[bytes, ModelMetadata, list[AcceptanceCheck]]:
        """Makes the final file of one that has passed its checks.

        Returns:
            The file, its metadata, and further checks.
        """
        return data, description, []


class Int8Strategy(Strategy):
    """8-bit activations and weights.

    Args:
        target: The kind of device.
        qat_epochs: Epochs of quantisation-aware training; 0 for calibration alone.
    """

    method = "int8"

    def __init__(self, target: Target = MCU, qat_epochs: int = 0):
        super().__init__(target)
        self.qat_epochs = qat_epochs

    def prepare(self, model: keras.Model, windows: ExportWindows) -> tuple[keras.Model, ExportWindows]:
        if self.qat_epochs and not windows.count(windows.training):
            raise InputError("no windows are left to fine-tune with: train on more recordings, or leave out qat")
        check_8_bits(model)
        return model, windows

    def settings(self) -> dict[str, Any]:
        return {"epochs": self.qat_epochs, "percentiles": PERCENTILES}


class Int16Strategy(Strategy):
    """16-bit activations and 8-bit weights over a whole window, for a model with a layer that needs them."""

    method = "int16"
    streaming = False

    def prepare(self, model: keras.Model, windows: ExportWindows) -> tuple[keras.Model, ExportWindows]:
        check_16_bits(model)
        return model, windows

    def settings(self) -> dict[str, Any]:
        return {"streaming": self.streaming}


class WeightOnlyStrategy(Strategy):
    """8-bit weights and float activations, for a model that needs 16 bits and a target that is slow in them."""

    method = "weight_only"


class StreamingStepStrategy(Int16Strategy):
    """One block of samples with states, 16-bit activations."""

    streaming = True
    reference_vectors = 1  # it holds all states, thousands of bytes

    def prepare(self, model: keras.Model, windows: ExportWindows) -> tuple[keras.Model, ExportWindows]:
        check_stream(model)
        model = trim_to_steps(model)
        samples = model.inputs[0].shape[1]
        calibration, check = (
            {name: values[:, :samples] for name, values in part.items()}
            for part in (windows.calibration, windows.check)
        )
        return model, ExportWindows(calibration, check)

    def describe(self, model: keras.Model, metadata: ModelMetadata) -> ModelMetadata:
        samples = model.inputs[0].shape[1]
        return dataclasses.replace(metadata, window=WindowMetadata(samples, metadata.window.stride or samples))

    def lint(self, data: bytes) -> list[AcceptanceCheck]:
        streaming = read_metadata(data).streaming
        assert streaming, "the conversion states the step"
        return [*lint(data, self.target), check_state_formats(data, streaming.states)]


class HistoryStepStrategy(Int8Strategy):
    """One example with its history as states, 8 bits: the whole file, once it has passed its checks, made a step.

    Args:
        histories: Input → the output whose predicted classes it holds, None for a number that comes with every example.
    """

    def __init__(self, histories: Histories):
        super().__init__()
        self.histories = histories

    def finish(
        self, data: bytes, description: ModelMetadata, windows: ExportWindows
    ) -> tuple[bytes, ModelMetadata, list[AcceptanceCheck]]:
        step, history = convert_to_step(data, self.histories)
        inputs, outputs = describe_tensors(step)
        description = dataclasses.replace(description, history=history, inputs=inputs, outputs=outputs)
        step = flatbuffer.set_metadata(step, description)
        checks = [
            check_state_formats(step, history.states),
            *check_history_step(data, step, self.histories, windows.check),
        ]
        return step, description, checks


def choose_strategy(
    model: keras.Model,
    target: Target = MCU,
    qat_epochs: int = 0,
    streaming: bool = False,
    histories: Histories | None = None,
) -> Strategy:
    """Chooses how `model` is converted.

    Args:
        model: The trained model.
        target: The kind of device.
        qat_epochs: Epochs of quantisation-aware training; 0 for calibration alone.
        streaming: Whether to make one step with states instead of a whole window.
        histories: Inputs that hold earlier examples, and what they hold; such a model's step takes one example.

    Raises:
        InputError: The model, target and settings do not go together.
    """
    if streaming and (qat_epochs or target is not MCU):
        raise InputError("a step is exported in integers and by calibration alone: leave out qat and target")
    if streaming:
        return HistoryStepStrategy(histories) if histories else StreamingStepStrategy()
    layer = first_16_bit_layer(model)
    if layer is None:
        return Int8Strategy(target, qat_epochs)
    if qat_epochs:
        raise InputError(
            f"layer {layer!r} needs 16-bit activations, which are found by calibration alone: leave out qat"
        )
    return Int16Strategy(target) if target.integers_only else WeightOnlyStrategy(target)


def convert(
    model: keras.Model,
    windows: ExportWindows | Mapping[str, np.ndarray],
    target: Target = MCU,
    qat_epochs: int = 0,
    streaming: bool = False,
    progress: Progress = lambda stage, done, total: None,
    timeout_s: float = TIMEOUT_S,
) -> Converted:
    """Converts a model without acceptance checks and without the caller's metadata.

    Args:
        model: The trained model.
        windows: Calibration, check and training windows; or one set of windows by input name for all of them.
        target, qat_epochs, streaming: As in `choose_strategy`.
        progress: Called with (stage, done, total).
        timeout_s: Seconds until the child process is stopped.

    Returns:
        The converted file.

    Raises:
        InputError: The model cannot be converted.
        ConversionError: No file comes out.
    """
    if not isinstance(windows, ExportWindows):
        windows = ExportWindows(windows, windows)
    strategy = choose_strategy(model, target, qat_epochs, streaming)
    model, windows = strategy.prepare(model, windows)
    return strategy.convert(model, windows, progress, timeout_s)
