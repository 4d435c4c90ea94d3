"""Comparison of generated programs with LiteRT's reference kernels."""

import numpy as np

from export.c99.reference_kernels import run_reference_kernels
from export.tflite import flatbuffer


def make_inputs(data, count=6):
    """Integer inputs of a file: noise over the whole range, constants at both ends, waves of several amplitudes."""
    (graph,) = flatbuffer.read(data).subgraphs
    tensors = [graph.tensors[index] for index in graph.inputs]
    shapes = [tuple(int(n) for n in tensor.shape) for tensor in tensors]
    dtype = np.dtype(flatbuffer.type_name(tensors[0]).lower())
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    random = np.random.default_rng(5)
    for n in range(count):
        if n < 2:
            yield [random.integers(low, high + 1, shape).astype(dtype) for shape in shapes]
        elif n < 4:
            yield [np.full(shape, high if n == 2 else low, dtype) for shape in shapes]
        else:
            waves = [high / 3.2 * n * np.sin(np.arange(np.prod(shape)) / (3 + n)).reshape(shape) for shape in shapes]
            noise = [random.normal(size=wave.shape) * high / 14 for wave in waves]
            yield [np.clip(a + b, low, high).astype(dtype) for a, b in zip(waves, noise, strict=True)]


def assert_bit_exact(program):
    """Fail where a program does not compute what LiteRT's reference kernels compute."""
    assert program.run_own_test().startswith("0 of ")
    distinct = set()
    for arrays in make_inputs(program.data):
        expected = run_reference_kernels(program.data, arrays)
        found = program.run(arrays, [np.empty_like(array) for array in expected])
        for actual, desired in zip(found, expected, strict=True):
            np.testing.assert_array_equal(actual, desired)
        distinct.add(b"".join(array.tobytes() for array in expected))
    assert len(distinct) > 1, "a model with one output for all inputs proves nothing"
