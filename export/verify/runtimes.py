"""Checks that TensorFlow Lite Micro computes the same as LiteRT's reference kernels.

Both are the same integer arithmetic, except in the operators of export.tflite.operator_facts.MICRO_DIFFERENCES, the
LSTM first of all: LiteRT takes sigmoid and tanh from polynomials, TensorFlow Lite Micro from a table
(github.com/tensorflow/tflite-micro, issue 1455). One to three per cent of an LSTM's outputs therefore differ by one
step, and what comes after differs with them. So do some outputs in a hundred thousand of a softmax in 16 bits, by one
step of these: of 65,536 differences between two scores 62 give another answer.
"""

import importlib.util
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.tflite import flatbuffer
from export.tflite.operator_facts import MicroDifference, facts, micro_difference
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
    """Compares what every operator makes of equal inputs: equal values, or values within its accepted difference.

    Args:
        data: An integer TFLite file.
        windows: Raw inputs.
        unit: What the windows are called.
    """
    name = f"values that TFLite Micro and LiteRT make otherwise of equal inputs, {len(windows)} {unit}"
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
    operators = list(flatbuffer.operators(flatbuffer.read(data)))
    differing = compared = 0
    for arrays in windows:
        litert.reset_all_variables()  # an LSTM's state outlives the call, in either runtime
        micro.reset()
        for number, (index, array) in enumerate(zip(inputs, arrays, strict=True)):
            litert.set_tensor(index, array)
            micro.set_input(array, number)
        litert.invoke()
        micro.invoke()
        unequal = set()
        for operator_name, operator, graph in operators:
            has_equal_inputs = unequal.isdisjoint(map(int, operator.inputs))
            accepted = _accepted_difference(operator_name, operator, graph)
            steps = accepted.steps if accepted else 0
            for tensor in map(int, operator.outputs):
                ours, theirs = litert.get_tensor(tensor).ravel(), micro.GetTensor(tensor, 0)["tensor_data"].ravel()
                away = np.abs(np.subtract(ours, theirs, dtype=np.int64))
                if away.any():
                    unequal.add(tensor)
                if has_equal_inputs and steps is not None:
                    differing += int(np.count_nonzero(away > steps))
                    compared += ours.size
    return AcceptanceCheck(name, f"{differing:,} of {compared:,}", "0", differing == 0, PINNED_VERSIONS_REMEDY)


def allowed_steps(data: bytes) -> list[int]:
    """By how many integer steps the runtimes may differ, of every output: as many as the operator that makes it."""
    model, steps = flatbuffer.read(data), {}
    for name, operator, graph in flatbuffer.operators(model):
        if facts(name).same_scale:
            found = max(steps.get(int(tensor), 0) for tensor in operator.inputs)
        else:
            difference = _accepted_difference(name, operator, graph)
            found = (difference.steps if difference else 0) or 0
        steps.update((int(tensor), found) for tensor in operator.outputs)
    (graph,) = model.subgraphs
    return [steps.get(int(tensor), 0) for tensor in graph.outputs]


def _accepted_difference(name, operator, graph) -> MicroDifference | None:
    bits = {schema.TensorType.INT8: 8, schema.TensorType.INT16: 16}.get(graph.tensors[operator.outputs[0]].type, 0)
    difference = micro_difference(name, bits)
    return difference if difference and difference.accepted else None


def _may_differ(data: bytes) -> bool:
    """Whether an operator of the file has an accepted difference."""
    return any(_accepted_difference(*found) for found in flatbuffer.operators(flatbuffer.read(data)))


def check_outputs(
    data: bytes,
    litert: RawWindows,
    micro: RawWindows,
    zero_points: Sequence[int],
    sqnr_with_keras: float = MIN_SQNR_DOWNSTREAM_DB,
) -> AcceptanceCheck:
    """Compares the outputs of both runtimes: bit-identical, or downstream of accepted differences within an SQNR.

    Args:
        data: An integer TFLite file.
        litert: Raw outputs of LiteRT's reference kernels, per window.
        micro: Raw outputs of TensorFlow Lite Micro, per window.
        zero_points: Of every output.
        sqnr_with_keras: Agreement of LiteRT with Keras, dB: downstream of accepted differences the runtimes must agree
            to this or to MIN_SQNR_DOWNSTREAM_DB, whichever is less.
    """
    pairs = [
        (np.stack(ours).astype(np.int32) - zero, np.stack(theirs).astype(np.int32) - zero)
        for ours, theirs, zero in zip(zip(*litert, strict=True), zip(*micro, strict=True), zero_points, strict=True)
    ]
    steps = max(int(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    if _may_differ(data):
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
