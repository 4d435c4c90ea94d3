"""Activation ranges: observed on real windows as percentiles, then written into a calibrated float TFLite file.

The converter's own calibration takes each tensor's minimum and maximum, so that one motion artefact in a few hundred
windows stretches a scale until the heartbeats are a handful of integers high. A percentile leaves the artefact out.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.tflite import flatbuffer
from models_keras.layers.lstm import CELL_CLIP

# Operators that only move values: their integer kernels copy bytes, so input and output need one scale.
SAME_SCALE = {
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "DEPTH_TO_SPACE",
    "EXPAND_DIMS",
    "GATHER",
    "GATHER_ND",
    "MAXIMUM",
    "MAX_POOL_2D",
    "MINIMUM",
    "MIRROR_PAD",
    "PACK",
    "PAD",
    "PADV2",
    "REDUCE_MAX",
    "REDUCE_MIN",
    "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR",
    "REVERSE_V2",
    "SELECT_V2",
    "SLICE",
    "SPACE_TO_DEPTH",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "UNPACK",
}
# Operators whose integer kernels have one fixed output scale, of 256 steps over these ranges.
FIXED = {
    "LOGISTIC": (0.0, 255 / 256),
    "SOFTMAX": (0.0, 255 / 256),
    "TANH": (-1.0, 127 / 128),
    "L2_NORMALIZATION": (-1.0, 127 / 128),
}

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
LSTM_OUTPUT_STATE = 18  # positions in the operator's inputs and intermediates
LSTM_CELL_STATE = 19
LSTM_HIDDEN = 4

# The cell is int16 and its scale a power of two: the smallest range of that kind that holds the clip, scale 2^-11.
# Measuring would gain nothing: ±4, ±16 and ±64 agree with Keras to the same 36 dB, and ±1, too narrow, to 19.
CELL_RANGE = 2.0 ** np.ceil(np.log2(CELL_CLIP))

SAMPLES = 4096  # values kept of each tensor and window: of 200 windows, 80 lie above the 99.99th percentile
NARROWEST = 1e-5  # a tensor that is always zero still needs a scale


@dataclasses.dataclass(frozen=True)
class Observed:
    """Values of a tensor over all windows: a sample of them, and the lowest and highest of all."""

    values: np.ndarray
    low: float
    high: float

    def limits(self, percentile: float) -> tuple[float, float]:
        """(lowest, highest) but for the 100 − `percentile` per cent of the values above, and as many below."""
        if percentile == 100:
            return self.low, self.high
        low, high = np.percentile(self.values, [100 - percentile, percentile])
        return float(low), float(high)


def observe(model: bytes, windows: dict[str, np.ndarray]) -> dict[int, Observed]:
    """Runs the float `model` over `windows` (input name → (n, ...)): tensor index → what it held."""
    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        # A delegate would keep the tensors between its operators to itself.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    inputs = interpreter.get_signature_runner().get_input_details()
    tensors = activations(flatbuffer.read(model))
    kept = {tensor: [] for tensor in tensors}
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
            kept[tensor].append(values if few else values[generator.integers(len(values), size=SAMPLES)])
    return {tensor: Observed(np.concatenate(kept[tensor]), lows[tensor], highs[tensor]) for tensor in tensors}


def activations(model: schema.ModelT) -> list[int]:
    """Indices of the float tensors that operators and the graph's inputs produce."""
    (graph,) = model.subgraphs
    produced = [*graph.inputs, *(tensor for operator in graph.operators for tensor in operator.outputs)]
    return [int(tensor) for tensor in produced if graph.tensors[tensor].type == schema.TensorType.FLOAT32]


def groups(model: schema.ModelT, pairs: Sequence[tuple[int, int]] = ()) -> dict[int, frozenset[int]]:
    """Tensor → all tensors, itself included, that must share a scale with it. `pairs`: tensors that share one for a
    reason that is not in the graph.

    So a bidirectional LSTM's two hidden states, the states the operator keeps, and their concatenation agree.
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
        elif name in SAME_SCALE:
            constants = {
                tensor for tensor in operator.inputs if model.buffers[graph.tensors[tensor].buffer].data is not None
            }
            join((floats & {*operator.inputs, *operator.outputs}) - constants)
    return found


def fixed(model: schema.ModelT) -> dict[int, tuple[float, float]]:
    """Tensor → range, of those whose operators know but one."""
    return {int(o.outputs[0]): FIXED[name] for name, o, _ in flatbuffer.operators(model) if name in FIXED}


def tie(
    model: schema.ModelT, limits: dict[int, tuple[float, float]], pairs: Sequence[tuple[int, int]] = ()
) -> dict[int, tuple[float, float]]:
    """One range for all tensors that must share a scale (`groups`), wide enough for the limits of each; every range
    holds zero."""
    ranges, tied = {**limits, **fixed(model)}, {}
    for tensor, group in groups(model, pairs).items():
        lows, highs = zip((0.0, NARROWEST), *(ranges[member] for member in group if member in ranges), strict=True)
        if len(lows) > 1:
            tied[tensor] = min(lows), max(highs)
    return tied | cells(model)


def cells(model: schema.ModelT) -> dict[int, tuple[float, float]]:
    """Tensor → range of every LSTM's cell state, which does not depend on what was observed."""
    lstms = [operator for name, operator, _ in flatbuffer.operators(model) if name == LSTM]
    return {int(operator.inputs[LSTM_CELL_STATE]): (-CELL_RANGE, CELL_RANGE) for operator in lstms}


def set_ranges(model: schema.ModelT, ranges: dict[int, tuple[float, float]]) -> None:
    """Writes `ranges` over the calibration result that `model` carries."""
    (graph,) = model.subgraphs
    for tensor, (low, high) in ranges.items():
        graph.tensors[tensor].quantization = schema.QuantizationParametersT(min=[low], max=[high])
