"""TensorFlow Lite Micro in a child process: what it computes and the memory it reports."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from small_models import convolutional, recurrent

from export.tflite import flatbuffer
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.reference_vector import make_reference_inputs
from firmware_bench.runtime.tflite_model import TFLiteModel


@pytest.mark.parametrize("integer", [True, False])
def test_outputs_equal_the_reference_kernels(integer):
    data = convolutional(integer=integer)
    model = TFLiteModel(data, kernels="reference")
    windows = make_reference_inputs(model.metadata)
    for (found,), window in zip(tflm.run_windows(data, windows), windows, strict=True):
        (expected,) = model.run_raw(window)
        assert found.dtype == expected.dtype and np.array_equal(found, expected)


@pytest.mark.slow
def test_state_does_not_reach_the_next_window():
    data = recurrent()
    _, _, window, other = make_reference_inputs(TFLiteModel(data).metadata)
    (first,), (second,), (third,) = tflm.run_windows(data, [window, other, window])
    assert np.array_equal(first, third) and not np.array_equal(first, second)


def test_arena_is_head_and_tail():
    arena = tflm.measure_arena(convolutional())
    assert arena.total == arena.head + arena.tail
    assert arena.head >= 64 * 8 + 256 * 2  # the first convolution's output beside its input
    assert "64-bit host" in arena.label


def test_weights_are_the_constants_of_the_graph_and_not_the_metadata():
    kernels, biases = 9 * 2 * 8 + 9 * 8 * 8 + 8 * 3, 4 * (8 + 8)  # the last layer's bias is zero and not stored
    assert tflm.measure_constants(convolutional()) == kernels + biases
    assert tflm.measure_constants(convolutional(integer=False)) == 4 * kernels + biases


def test_an_unknown_operator_is_named():
    model = flatbuffer.read(convolutional())
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.SOFTMAX:
            code.builtinCode = schema.BuiltinOperator.GELU
            code.deprecatedBuiltinCode = 127  # the value that says: look at the other field
    with pytest.raises(ModelError, match="no operator GELU"):
        tflm.measure_arena(flatbuffer.write(model))


def test_files_and_inputs_that_cannot_be_run_are_refused():
    with pytest.raises(ModelError, match="not a TensorFlow Lite file"):
        tflm.measure_arena(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot run this model"):
        tflm.run_windows(convolutional(), [[np.zeros((1, 3), np.int8)]])


@pytest.mark.parametrize(
    ("system", "machine", "message"),
    [
        ("linux", "x86_64", r"pip install 'ecg-edge\[export\]'"),
        ("linux", "aarch64", "exists for Linux on x86-64 only"),
        ("darwin", "arm64", "exists for Linux on x86-64 only"),
    ],
)
def test_a_missing_package_is_one_line(monkeypatch, system, machine, message):
    monkeypatch.setattr(tflm.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(tflm.sys, "platform", system)
    monkeypatch.setattr(tflm.platform, "machine", lambda: machine)
    with pytest.raises(ModelError, match=message) as caught:
        tflm.measure_arena(convolutional())
    assert "\n" not in str(caught.value)
