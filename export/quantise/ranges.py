"""Activation ranges: observed on real windows as percentiles, then written into a calibrated float TFLite file.

The converter's own calibration takes each tensor's minimum and maximum, so that one motion artefact in a few hundred
windows stretches a scale until the heartbeats are a handful of integers high. A percentile leaves the artefact out.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM, LSTM_CELL_STATE, LSTM_HIDDEN, LSTM_OUTPUT_STATE, facts
from export.tflite.unrolled_steps import name_in_every_step
from models_keras.layers.lstm import CELL_CLIP

# The cell is int16 and its scale a power of two: the smallest range of that kind that holds the clip, scale 2^-11.
# Measuring would gain nothing: ±4, ±16 and ±64 agree with Keras to the same 36 dB, and ±1, too narrow, to 19.
CELL_RANGE = 2.0 ** np.ceil(np.log2(CELL_CLIP))

SAMPLES = 4096  # values stored of each tensor and window: of 200 windows, 80 lie above the 99.99th percentile
NARROWEST = 1e-5  # a tensor that is always zero still needs a scale

Range = tuple[float, float]  # (lowest, highest)


@dataclasses.dataclass(frozen=True)
class ObservedRange:
    """Values of a tensor over all windows.

    Attributes:
        values: A sample of them.
        low: The lowest of all.
        high: The highest of all.
    """

    values: np.ndarray
    low: float
    high: float

    def limits(self, percentile: float) -> Range:
        """The range without the 100 − `percentile` per cent of the values above, and as many below."""
        if percentile == 100:
            return self.low, self.high
        low, high = np.percentile(self.values, [100 - percentile, percentile])
        return float(low), float(high)


def observe(model: bytes, windows: Mapping[str, np.ndarray]) -> dict[int, ObservedRange]:
    """Runs a float file over windows.

    Args:
        model: The float TFLite file.
        windows: Input name → (n, …).

    Returns:
        Tensor → its values.
    """
    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        # A delegate does not expose the tensors between its operators.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    inputs = interpreter.get_signature_runner().get_input_details()
    tensors = activations(flatbuffer.read(model))
    samples = {tensor: [] for tensor in tensors}
    lows, highs = dict.fromkeys(tensors, np.inf), dict.fromkeys(tensors, -np.inf)
    generator = np.random.default_rng(0)
    for n in range(len(next(iter(windows.values())))):
        interpreter.reset_all_variables()  # an LSTM's state outlives the call
        for name, detail in inputs.items():
            interpreter.set_tensor(detail["index"], np.asarray(windows[name][n : n + 1], np.float32))
        interpreter.invoke()
        for tensor in tensors:
            values = interpreter.get_tensor(tensor).ravel()
            lows[tensor] = min(lows[tensor], float(values.min()))
            highs[tensor] = max(highs[tensor], float(values.max()))
            few = len(values) <= SAMPLES
            samples[tensor].append(values if few else values[generator.integers(len(values), size=SAMPLES)])
    return {tensor: ObservedRange(np.concatenate(samples[tensor]), lows[tensor], highs[tensor]) for tensor in tensors}


def activations(model: schema.ModelT) -> list[int]:
    """Indices of the float tensors that are inputs of the graph or outputs of operators."""
    (graph,) = model.subgraphs
    computed = [*graph.inputs, *(tensor for operator in graph.operators for tensor in operator.outputs)]
    return [int(tensor) for tensor in computed if graph.tensors[tensor].type == schema.TensorType.FLOAT32]


def scale_groups(model: schema.ModelT, pairs: Sequence[tuple[int, int]] = ()) -> dict[int, frozenset[int]]:
    """Groups the tensors that must share a scale: a bidirectional LSTM's two hidden states, the states that the
    operator keeps, and their concatenation, for example; and what the steps of an unrolled loop repeat.

    Args:
        model: The float file.
        pairs: Tensors that share a scale for a reason that is not in the graph.

    Returns:
        Tensor → its group, itself included.
    """
    (graph,) = model.subgraphs
    floats = {n for n, tensor in enumerate(graph.tensors) if tensor.type == schema.TensorType.FLOAT32}
    found = {tensor: frozenset({tensor}) for tensor in range(len(graph.tensors))}

    def join(tensors):
        group = frozenset().union(*(found[int(tensor)] for tensor in tensors))
        found.update(dict.fromkeys(group, group))

    for pair in pairs:
        join(pair)
    for name, operator, _ in flatbuffer.operators(model):
        if name == LSTM:
            join([operator.outputs[0], operator.inputs[LSTM_OUTPUT_STATE], operator.intermediates[LSTM_HIDDEN]])
        elif facts(name).same_scale:
            constants = {
                tensor for tensor in operator.inputs if model.buffers[graph.tensors[tensor].buffer].data is not None
            }
            join((floats & {*operator.inputs, *operator.outputs}) - constants)
    repeated: dict[str, set[int]] = {}
    for tensor in activations(model):
        if name := name_in_every_step(flatbuffer.tensor_name(graph.tensors[tensor])):
            repeated.setdefault(name, set()).add(tensor)
    for tensors in repeated.values():
        join(tensors)
    return found


def fixed_ranges(model: schema.ModelT) -> dict[int, Range]:
    """Tensor → range, of the outputs of operators whose integer kernels have one fixed scale."""
    found = {int(o.outputs[0]): facts(name).fixed_range for name, o, _ in flatbuffer.operators(model)}
    return {tensor: limits for tensor, limits in found.items() if limits}


def tie(model: schema.ModelT, limits: Mapping[int, Range], pairs: Sequence[tuple[int, int]] = ()) -> dict[int, Range]:
    """One range for all tensors that must share a scale (`scale_groups`).

    Args:
        model: The float file.
        limits: Tensor → its own range.
        pairs: As in `scale_groups`.

    Returns:
        Tensor → the range that holds those of its group, and zero.
    """
    ranges, tied = {**limits, **fixed_ranges(model)}, {}
    for tensor, group in scale_groups(model, pairs).items():
        lows, highs = zip((0.0, NARROWEST), *(ranges[member] for member in group if member in ranges), strict=True)
        if len(lows) > 1:
            tied[tensor] = min(lows), max(highs)
    return tied | lstm_cell_ranges(model)


def lstm_cell_ranges(model: schema.ModelT) -> dict[int, Range]:
    """Tensor → range of every LSTM's cell state, which does not depend on what was observed."""
    lstms = [operator for name, operator, _ in flatbuffer.operators(model) if name == LSTM]
    return {int(operator.inputs[LSTM_CELL_STATE]): (-CELL_RANGE, CELL_RANGE) for operator in lstms}


def set_ranges(model: schema.ModelT, ranges: Mapping[int, Range]) -> None:
    """Replaces the calibration result in `model` by `ranges`, in place."""
    (graph,) = model.subgraphs
    for tensor, (low, high) in ranges.items():
        graph.tensors[tensor].quantization = schema.QuantizationParametersT(min=[low], max=[high])
