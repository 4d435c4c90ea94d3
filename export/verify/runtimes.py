"""Checks that TensorFlow Lite Micro computes the same as LiteRT's reference kernels.

Both are the same integer arithmetic, except inside the LSTM: LiteRT takes sigmoid and tanh from polynomials, TensorFlow
Lite Micro from a table (github.com/tensorflow/tflite-micro, issue 1455). One to three per cent of an LSTM's outputs
therefore differ by one step, and what comes after differs with them. So do some outputs in a hundred thousand of a
softmax in 16 bits, by one step of these: it divides by a table, of which one entry is rounded otherwise (of 65,536
differences between two scores 62 give another answer).
"""

import importlib.util
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM
from export.verify.acceptance import AcceptanceCheck
from export.verify.sqnr import sqnr_db
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import AcceptanceError, ModelError

# Every tensor of a window is compared, so that a differing kernel shows at once, in the first window that reaches it.
TENSOR_WINDOWS = 4
# Downstream of LSTMs outputs agree to so much, or to what the integers agree with Keras, where that is less: then the
# runtime is not what matters. Measured on real recordings: behind four 47 to 52 dB, behind the eight of a variational
# autoencoder 30, at paper size 26 where Keras is at 24.6. With mismatched scales: 24 behind four.
MIN_SQNR_DOWNSTREAM_DB = 27.0
NOT_INSTALLED = "not made: TensorFlow Lite Micro is not installed here"
PINNED_VERSIONS_REMEDY = "the two runtimes disagree on an operator: convert with the pinned versions of both"

RawWindows = Sequence[Sequence[np.ndarray]]  # per window the arrays of all inputs, or of all outputs, in order


def micro_installed() -> bool:
    """Whether TensorFlow Lite Micro is installed; there are packages for Linux on x86-64 only."""
    return importlib.util.find_spec("tflite_micro") is not None


def run_micro(data: bytes, windows: RawWindows) -> list[list[np.ndarray]]:
    """Runs raw windows in TensorFlow Lite Micro.

    Args:
        data: An integer TFLite file.
        windows: Raw inputs.

    Returns:
        Raw outputs per window.

    Raises:
        AcceptanceError: It cannot run the file.
    """
    try:
        return tflm.run_windows(data, windows)
    except ModelError as error:
        raise AcceptanceError(f"{error}; nothing was written: use layers that it has") from None


def check_tensors(data: bytes, windows: RawWindows, unit: str = "windows") -> AcceptanceCheck:
    """Compares every tensor that is not computed from an LSTM's output: both runtimes must give equal values.

    Args:
        data: An integer TFLite file.
        windows: Raw inputs.
        unit: What the windows are called.
    """
    tensors, has_downstream = _comparable_tensors(data)
    where = "upstream of any LSTM or 16-bit softmax" if has_downstream else "of all tensors"
    name = f"values {where} in which TFLite Micro and LiteRT differ, {len(windows)} {unit}"
    if not micro_installed():
        return AcceptanceCheck(name, NOT_INSTALLED, "0", None, PINNED_VERSIONS_REMEDY)
    from tflite_micro.python.tflite_micro import runtime

    litert = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    litert.allocate_tensors()
    preserve = runtime.InterpreterConfig.kPreserveAllTensors
    everything = sum(detail["shape"].prod() * 8 for detail in litert.get_tensor_details())
    arena = tflm.ARENA_LIMIT + int(everything)
    micro = runtime.Interpreter.from_bytes(data, arena_size=arena, intrepreter_config=preserve)
    inputs = [detail["index"] for detail in litert.get_input_details()]
    differing = compared = 0
    for arrays in windows:
        litert.reset_all_variables()  # an LSTM's state outlives the call, in either runtime
        micro.reset()
        for number, (index, array) in enumerate(zip(inputs, arrays, strict=True)):
            litert.set_tensor(index, array)
            micro.set_input(array, number)
        litert.invoke()
        micro.invoke()
        for tensor in tensors:
            ours, theirs = litert.get_tensor(tensor).ravel(), micro.GetTensor(tensor, 0)["tensor_data"].ravel()
            differing += int(np.count_nonzero(ours != theirs))
            compared += ours.size
    return AcceptanceCheck(name, f"{differing:,} of {compared:,}", "0", differing == 0, PINNED_VERSIONS_REMEDY)


def allowed_steps(data: bytes) -> list[int]:
    """By how many integer steps the runtimes may differ, of every output: 1 of a 16-bit softmax, 0 of others."""
    model, soft = flatbuffer.read(data), set()
    for name, operator, graph in flatbuffer.operators(model):
        reshaped = name == "RESHAPE" and int(operator.inputs[0]) in soft
        if reshaped or _is_wide_softmax(name, operator, graph):
            soft.add(int(operator.outputs[0]))
    (graph,) = model.subgraphs
    return [int(tensor in soft) for tensor in graph.outputs]


def _is_wide_softmax(name, operator, graph) -> bool:
    return name == "SOFTMAX" and graph.tensors[operator.outputs[0]].type == schema.TensorType.INT16


def _comparable_tensors(data):
    """([tensors computed from no LSTM and no 16-bit softmax], whether there is one)."""
    tensors, downstream = [], set()
    for name, operator, graph in flatbuffer.operators(flatbuffer.read(data)):
        outputs = [int(tensor) for tensor in operator.outputs]
        if (
            name == LSTM
            or _is_wide_softmax(name, operator, graph)
            or downstream.intersection(int(tensor) for tensor in operator.inputs)
        ):
            downstream.update(outputs)
        else:
            tensors += outputs
    return tensors, bool(downstream)


def check_outputs(
    data: bytes,
    litert: RawWindows,
    micro: RawWindows,
    zero_points: Sequence[int],
    sqnr_with_keras: float = MIN_SQNR_DOWNSTREAM_DB,
) -> AcceptanceCheck:
    """Compares the outputs of both runtimes: bit-identical, or downstream of LSTMs within an SQNR.

    Args:
        data: An integer TFLite file.
        litert: Raw outputs of LiteRT's reference kernels, per window.
        micro: Raw outputs of TensorFlow Lite Micro, per window.
        zero_points: Of every output.
        sqnr_with_keras: Agreement of LiteRT with Keras, dB: downstream of LSTMs the runtimes must agree to this or to
            MIN_SQNR_DOWNSTREAM_DB, whichever is less.
    """
    pairs = [
        (np.stack(ours).astype(np.int32) - zero, np.stack(theirs).astype(np.int32) - zero)
        for ours, theirs, zero in zip(zip(*litert, strict=True), zip(*micro, strict=True), zero_points, strict=True)
    ]
    steps = max(int(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    if _comparable_tensors(data)[1]:
        agreement = min(sqnr_db(ours, theirs) for ours, theirs in pairs)
        equal = np.mean(np.concatenate([np.ravel(ours == theirs) for ours, theirs in pairs]))
        least = min(MIN_SQNR_DOWNSTREAM_DB, sqnr_with_keras)
        required, passed = f"≥ {least:.3g} dB", agreement >= least
        measured = f"{agreement:.0f} dB; {equal:.0%} equal, the others within {steps} steps" if steps else "all equal"
    else:
        required, passed, measured = "0", steps == 0, f"{steps} steps"
    return AcceptanceCheck(
        f"TFLite Micro's outputs against LiteRT's, {len(litert)} windows",
        measured,
        required,
        passed,
        "the two runtimes disagree on an operator or a scale: convert with the pinned versions of both",
    )
