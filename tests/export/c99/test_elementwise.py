"""Operators on two operands, over axes and of parts of tensors, that no model of the other tests has: made by hand."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from bit_exact import assert_bit_exact
from handmade_tflite import TFLiteBuilder

random = np.random.default_rng(11)
SHAPE = (1, 6, 5, 4)


def binary(name, version, kind=np.int8, same=False, other=SHAPE, constant=False):
    file = TFLiteBuilder()
    forms = [(0.05, -7), (0.03, 20), (0.11, -100)] if kind is np.int8 else [(3e-4, 0), (2e-4, 0), (5e-4, 0)]
    forms = [forms[0]] * 3 if same else forms
    x = file.tensor(SHAPE, kind, *forms[0])
    if constant:
        y = file.constant(random.integers(-128, 128, other), kind, forms[1][0])
        file.tensors[y].quantization.zeroPoint = [forms[1][1]]
    else:
        y = file.tensor(other, kind, *forms[1])
    options = {"SQUARED_DIFFERENCE": schema.SquaredDifferenceOptionsT()}.get(name)
    z = file.operator(name, version, [x, y], file.tensor(SHAPE, kind, *forms[2]), options)
    return file.data([x] if constant else [x, y], [z])


@pytest.mark.parametrize("other", [SHAPE, (1, 4), (1, 1, 5, 1)])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [("MINIMUM", 2, np.int8), ("MINIMUM", 3, np.int16), ("SQUARED_DIFFERENCE", 2, np.int8), ("PRELU", 1, np.int8)],
)
def test_two_operands(name, version, kind, constant, other, generated):
    assert_bit_exact(generated(binary(name, version, kind, name == "MINIMUM", other, constant)))


@pytest.mark.parametrize("name", ["REDUCE_MAX", "REDUCE_MIN"])
@pytest.mark.parametrize("axes", [(1,), (3,), (1, 2), (2, 3)])
@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_extremes(name, axes, kind, generated):
    file = TFLiteBuilder()
    form = (0.05, -7) if kind is np.int8 else (3e-4, 0)
    x = file.tensor(SHAPE, kind, *form)
    kept = [n for axis, n in enumerate(SHAPE) if axis not in axes]
    y = file.tensor(kept, kind, *form)
    operator = file.operator(name, 2, [x, file.constant(axes, np.int32)], y, schema.ReducerOptionsT())
    assert_bit_exact(generated(file.data([x], [operator])))


def several(file, name, version, inputs, outputs, options):
    """An operator of several outputs."""
    file.operator(name, version, inputs, outputs[0], options)
    file.operators[-1].outputs = outputs
    return outputs


@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_parts(kind, generated):
    """A split in equal parts and in others, slices along an axis and back, a part of every axis."""
    file = TFLiteBuilder()
    form = (0.05, -7) if kind is np.int8 else (3e-4, 0)

    def value(*shape):
        return file.tensor(shape, kind, *form)

    x = value(*SHAPE)
    equal = several(file, "SPLIT", 4, [file.constant(3, np.int32), x], [value(1, 6, 5, 2) for _ in range(2)],
                    schema.SplitOptionsT(numSplits=2))  # fmt: skip
    sizes = [file.constant([1, 4, 1], np.int32), file.constant(1, np.int32)]
    others = several(file, "SPLIT_V", 2, [x, *sizes], [value(1, n, 5, 4) for n in (1, 4, 1)],
                     schema.SplitVOptionsT(numSplits=3))  # fmt: skip
    slices = several(file, "UNPACK", 4, [x], [value(1, 6, 4) for _ in range(5)], schema.UnpackOptionsT(num=5, axis=2))
    packed = file.operator("PACK", 2, slices[::-1], value(1, 6, 4, 5), schema.PackOptionsT(valuesCount=5, axis=3))
    limits = [file.constant([0, 2, 0, 1], np.int32), file.constant([1, 3, 5, 2], np.int32)]
    part = file.operator("SLICE", 3, [x, *limits], value(1, 3, 5, 2), schema.SliceOptionsT())
    assert_bit_exact(generated(file.data([x], [*equal, *others, slices[0], packed, part])))


UNARY = {
    "LEAKY_RELU": (2, lambda: schema.LeakyReluOptionsT(alpha=0.1)),
    "HARD_SWISH": (1, lambda: schema.HardSwishOptionsT()),
    "EXP": (2, lambda: schema.ExpOptionsT()),
    "ABS": (2, lambda: schema.AbsOptionsT()),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary_operators_are_tables(name, generated):
    file, (version, options) = TFLiteBuilder(), UNARY[name]
    x, y = file.tensor((1, 256), np.int8, 0.04, -9), file.tensor((1, 256), np.int8, 0.05, -100)
    program = generated(file.data([x], [file.operator(name, version, [x], y, options())]))
    assert_bit_exact(program)
    values = np.arange(-128, 128).astype(np.int8)[None]
    from export.c99.reference_kernels import run_reference_kernels

    (expected,) = run_reference_kernels(program.data, [values])
    (found,) = program.run([values], [np.empty_like(expected)])
    np.testing.assert_array_equal(found, expected)
