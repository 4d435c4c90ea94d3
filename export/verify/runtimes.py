"""Does TensorFlow Lite Micro compute what LiteRT computes?

LiteRT's reference kernels and TensorFlow Lite Micro's are the same integer arithmetic, except inside the LSTM: LiteRT
takes sigmoid and tanh from polynomials, TensorFlow Lite Micro from a table (github.com/tensorflow/tflite-micro, issue
1455). One to three per cent of an LSTM's outputs therefore differ by one step, and what comes after differs with them.
So do some outputs in a hundred thousand of a softmax in 16 bits, by one step of these: it divides by a table, of which
one entry is rounded otherwise (of 65,536 differences between two scores 62 give another answer).
"""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.quantise.long_softmax import SOFTMAX
from export.quantise.ranges import LSTM
from export.tflite import flatbuffer
from export.verify.acceptance import Gate
from export.verify.sqnr import decibels
from firmware_bench.mcu.tflm import ARENA_LIMIT

# Every tensor of a window is compared, so that a differing kernel shows at once, in the first window that reaches it.
TENSOR_WINDOWS = 4
# Behind LSTMs outputs agree to so much, or to what the integers agree with Keras, where that is less: then the runtime
# is not what matters. Measured on real recordings: behind four 47 to 52 dB, behind the eight of a variational
# autoencoder 30, at paper size 26 where Keras is at 24.6. With mismatched scales: 24 behind four.
BEHIND_LSTM_DECIBELS = 27.0


def tensor_gate(data: bytes, windows: Sequence[Sequence[np.ndarray]], unit: str = "windows") -> Gate:
    """Equal values in every tensor that is not computed from an LSTM's output. windows: raw inputs in order, each;
    `unit`: what they are called."""
    from tflite_micro.python.tflite_micro import runtime

    tensors, after_lstm = _comparable(data)
    litert = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    litert.allocate_tensors()
    keep = runtime.InterpreterConfig.kPreserveAllTensors
    everything = sum(detail["shape"].prod() * 8 for detail in litert.get_tensor_details())
    micro = runtime.Interpreter.from_bytes(data, arena_size=ARENA_LIMIT + int(everything), intrepreter_config=keep)
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
    where = "ahead of the LSTMs" if after_lstm else "in all tensors"
    return Gate(
        f"values {where} in which TFLite Micro and LiteRT differ, {len(windows)} {unit}",
        f"{differing:,} of {compared:,}",
        "0",
        differing == 0,
        "the two runtimes disagree on an operator: convert with the pinned versions of both",
    )


def _comparable(data):
    """([tensors that operators produce and that depend on no LSTM or 16-bit softmax], whether there is one)."""
    tensors, tainted = [], set()
    for name, operator, graph in flatbuffer.operators(flatbuffer.read(data)):
        outputs = [int(tensor) for tensor in operator.outputs]
        wide = name == SOFTMAX and graph.tensors[outputs[0]].type == schema.TensorType.INT16
        if name == LSTM or wide or tainted.intersection(int(tensor) for tensor in operator.inputs):
            tainted.update(outputs)
        else:
            tensors += outputs
    return tensors, bool(tainted)


def output_gate(
    data: bytes,
    litert: Sequence[Sequence[np.ndarray]],
    micro: Sequence[Sequence[np.ndarray]],
    zero_points,
    with_keras: float = BEHIND_LSTM_DECIBELS,
) -> Gate:
    """The integers of both runtimes, per window and output: the same, or behind LSTMs agreeing to
    BEHIND_LSTM_DECIBELS or to what LiteRT agrees `with_keras` (dB), whichever is less."""
    pairs = [
        (np.stack(ours).astype(np.int32) - zero, np.stack(theirs).astype(np.int32) - zero)
        for ours, theirs, zero in zip(zip(*litert, strict=True), zip(*micro, strict=True), zero_points, strict=True)
    ]
    steps = max(int(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    if _comparable(data)[1]:
        agreement = min(decibels(ours, theirs) for ours, theirs in pairs)
        equal = np.mean(np.concatenate([np.ravel(ours == theirs) for ours, theirs in pairs]))
        least = min(BEHIND_LSTM_DECIBELS, with_keras)
        bar, passed = f"≥ {least:.3g} dB", agreement >= least
        figure = f"{agreement:.0f} dB; {equal:.0%} equal, the others within {steps} steps" if steps else "all equal"
    else:
        bar, passed, figure = "0", steps == 0, f"{steps} steps"
    return Gate(
        f"TFLite Micro's outputs against LiteRT's, {len(litert)} windows",
        figure,
        bar,
        passed,
        "an operator or a scale means something else to each of them: convert with the pinned versions of both",
    )
