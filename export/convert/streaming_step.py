"""A trained model as one step: a block of samples and the states of earlier steps → outputs and the next states.

The layers of a functional Keras model are visited in order; export.convert.step_rules says what each kind does with the
frames of one step. What it needs of earlier steps is an input of the step, and an output gives it to the next:

    tail_…     the last frames, which a convolution, a pool or a waiting branch needs
    state_…    of a SelectiveSSM
    hidden_…   of an LSTM, a GRU or a SimpleRNN, and cell_… of an LSTM
    mean_…     of a GlobalAveragePooling1D so far

Convolutions and pools with padding "same" look ahead. In a stream their outputs come whole steps later and are
otherwise the same numbers; `delay` counts the steps, and where branches meet, the earlier one waits. The whole-window
model pads with zeros outside the recording, in front of every layer. So does the step: its input `valid` is 1 for a
block of the recording and 0 for those after it, and frames from outside the recording are multiplied by it. Its input
`share` is 1 / k in the k-th of the steps whose outputs count, and 0 in the `delay` steps before: the mean moves by it
towards the new frames.

Frames are (1, 1, frames, channels) here: devices convolve over two axes.
"""

import dataclasses
import math
from typing import Any, NoReturn

import keras
import numpy as np
from keras import layers, ops

from export.convert.layer_walk import LayerWalk
from export.convert.recurrent_rules import LONGEST_STEP
from export.convert.step_rules import RULES, channels_obstacle
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, StreamingMetadata
from firmware_bench.runtime.streaming_model import NEXT
from models_keras.layers.positions import SinusoidalPositions
from models_keras.layers.selective_ssm import SelectiveSSM


@dataclasses.dataclass(frozen=True)
class StepModel:
    """One step of a model.

    Attributes:
        model: A Keras model with batch 1, inputs and outputs by name.
        samples: Of the signal in a step.
        window: Samples that the whole-window model takes.
        states: Inputs, zeros at first, whose next value is the output NEXT + name.
        delay: Steps by which every output is late.
    """

    model: keras.Model
    samples: int
    window: int
    states: tuple[str, ...]
    delay: int

    def metadata(self) -> ModelMetadata:
        """The metadata of a file of this step, for firmware_bench.runtime.streaming_model."""
        return ModelMetadata(streaming=StreamingMetadata(self.samples, self.delay, self.window, self.states))


def trim_to_steps(model: keras.Model) -> keras.Model:
    """Trims a model to windows of a whole number of steps.

    Args:
        model: A model of one signal (samples, leads).

    Returns:
        `model`, or the same layers and weights on slightly shorter windows.

    Raises:
        InputError: A layer cannot run as a stream; the message names it.
    """
    check_streamable(model)
    samples, length = step_samples(model), model.inputs[0].shape[1]
    if length < samples:
        raise InputError(f"{model.name} takes {length} samples at a time, and one step of it {samples}")
    return model if length % samples == 0 else clone_for_length(model, length - length % samples)


def build_step(model: keras.Model, integer: bool = False) -> StepModel:
    """Builds the step of a model.

    Args:
        model: From `trim_to_steps`.
        integer: Whether to use only operators with 16-bit kernels; the inverse root in LayerNorm is then piecewise
            linear, within 0.4 %.
    """
    samples = step_samples(model)
    # The first walk finds out how far back each stream is looked at and whether a layer looks ahead.
    first = LayerWalk(samples, integer)
    delay = max(stream.delay for stream in first.run(model, RULES))
    walk = LayerWalk(samples, integer, delay, first.reach, first.looks_ahead)
    streams = walk.run(model, RULES)
    outputs = {
        name: ops.reshape(walk.delay_to(stream, delay).values, (1, *(stream.frames,) * (len(tensor.shape) - 2), -1))
        for name, tensor, stream in zip(model.output_names, model.outputs, streams, strict=True)
    }
    outputs |= {NEXT + name: values for name, values in walk.next.items()}
    made = keras.Model(walk.inputs, outputs, name=f"{model.name}_step")
    return StepModel(made, samples, model.inputs[0].shape[1], tuple(walk.next), delay)


def check_streamable(model: keras.Model) -> None:
    """Checks that a model can run as a stream.

    Raises:
        InputError: It cannot; the message names the first layer that prevents it.
    """
    for layer in model.operations:
        reason = None if isinstance(layer, layers.InputLayer) else obstacle(layer)
        if reason:
            _refuse(layer, reason)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        raise InputError(f"{model.name} cannot run as a stream: its input is not one signal (samples, leads)")
    recurrent: list[Any] = [layer for layer in model.operations if isinstance(layer, layers.RNN)]
    share = step_samples(model) / model.inputs[0].shape[1] if recurrent else 0.0
    for layer in recurrent:
        if (frames := layer.input.shape[1] * share) > LONGEST_STEP:
            _refuse(layer, f"runs {frames:.0f} times in a step, up to {LONGEST_STEP} are possible: pool before it")


def _refuse(layer, reason: str) -> NoReturn:
    raise InputError(f"the model cannot run as a stream: layer {layer.name!r} ({type(layer).__name__}) {reason}")


def obstacle(layer) -> str | None:
    """Why the layer cannot run as a stream; None where it can."""
    kind = type(layer)
    if kind is SinusoidalPositions:
        return "adds the position within a window; train with model.positions=false"
    if kind is SelectiveSSM and layer.backwards:
        return "runs backwards in time; train with model.bidirectional=false"
    if kind is layers.Bidirectional or getattr(layer, "go_backwards", False):
        return "runs backwards in time: use an LSTM or GRU that runs forwards"
    if kind in (layers.GlobalMaxPooling1D, layers.Flatten):
        return "needs the whole window: use GlobalAveragePooling1D"
    if kind not in RULES:
        return "needs the whole window"
    return channels_obstacle(layer) or frames_obstacle(layer)


def frames_obstacle(layer) -> str | None:
    """Why a layer cannot read the frames around its own; None where it can, and where it reads none."""
    sizes = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    if sizes is None or type(layer) is layers.Conv1DTranspose:
        usual = sizes is None or (layer.padding == "same" and layer.dilation_rate == (1,))
        return None if usual else "is transposed without padding 'same', or dilated"
    span = (sizes[0] - 1) * getattr(layer, "dilation_rate", (1,))[0] + 1
    if layer.padding == "valid" and span > layer.strides[0]:
        return "has padding 'valid', which costs a window its ends: use 'same' or 'causal'"
    return None


def clone_for_length(model: keras.Model, samples: int) -> keras.Model:
    """The same layers and weights for windows of `samples`."""
    signal = model.inputs[0]
    clone = keras.models.clone_model(model, input_tensors=keras.Input((samples, signal.shape[2]), name=signal.name))
    clone.set_weights(model.get_weights())
    return clone


def step_samples(model: keras.Model) -> int:
    """The samples in which the slowest layer of `model` makes one frame."""
    multiple = math.prod(s for layer in model.layers for s in np.ravel(getattr(layer, "strides", 1)).tolist())
    probe = clone_for_length(model, multiple)
    outputs = [tensor for layer in probe.layers for tensor in keras.tree.flatten(layer.output)]
    lengths = [tensor.shape[1] for tensor in outputs if len(tensor.shape) == 3]
    return multiple // min(lengths)
