"""The reference vector: its inputs, its outputs, and how they are compared."""

import numpy as np
import pytest
from small_models import altered, convolutional, read_json_metadata, recurrent

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, Tensor
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs, verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel


@pytest.mark.parametrize("made", [convolutional, pytest.param(recurrent, marks=pytest.mark.slow)])
def test_the_reference_vector_is_reproduced_by_both_kinds_of_kernels(made):
    assert verify_reference(TFLiteModel(made())) == "optimised"
    assert verify_reference(TFLiteModel(made(), kernels="reference")) == "reference"


def test_other_outputs_than_the_recorded_ones_are_refused():
    reference = read_json_metadata(convolutional())["reference"]
    wrong = {kind: [f"{int(out, 16) ^ 1:06x}" for out in outs] for kind, outs in reference["outputs"].items()}
    model = TFLiteModel(altered(convolutional(), reference={**reference, "outputs": wrong}))
    with pytest.raises(ModelError, match=r"pip install ai-edge-litert==2\.3\.0"):
        verify_reference(model)


def test_a_float_model_is_verified_within_the_default_tolerance():
    model = TFLiteModel(convolutional(integer=False))
    assert model.inputs[0].dtype == "float32" and verify_reference(model) == "optimised"
    reference = read_json_metadata(convolutional(integer=False))["reference"]
    moved = [
        (np.frombuffer(bytes.fromhex(out), "<f4") + 0.01).astype("<f4").tobytes().hex()
        for out in reference["outputs"]["optimised"]
    ]
    other = altered(convolutional(integer=False), reference={**reference, "outputs": {"optimised": moved}})
    with pytest.raises(ModelError, match="does not compute"):
        verify_reference(TFLiteModel(other))


def test_the_metadata_limit_how_many_values_are_compared():
    data = convolutional(integer=False)
    reference = read_json_metadata(data)["reference"]
    full = reference["outputs"]["optimised"]
    ends = [output[:8] + output[-8:] for output in full]  # of three floats, eight digits each
    fewer = altered(data, reference={**reference, "values": 2, "outputs": {"optimised": ends}})
    assert verify_reference(TFLiteModel(fewer)) == "optimised"
    swapped = [output[-8:] + output[:8] for output in full]
    for values, outputs in ((2, full), (2, swapped), (1, ends), (True, ends), ("2", ends)):
        wrong = altered(data, reference={**reference, "values": values, "outputs": {"optimised": outputs}})
        with pytest.raises(ModelError, match="does not compute|reference.values is"):
            verify_reference(TFLiteModel(wrong))


def with_tolerance(data, tolerance, shift):
    """`data` with a tolerance, and float or integer reference outputs moved by `shift`."""
    reference = read_json_metadata(data)["reference"]
    kind = np.dtype(read_metadata(data).outputs[0].dtype)
    moved = [
        np.concatenate([values[:-1], values[-1:] + kind.type(shift)]).tobytes().hex()
        for values in (np.frombuffer(bytes.fromhex(out), kind) for out in reference["outputs"]["optimised"])
    ]
    return altered(data, reference={**reference, "outputs": {"optimised": moved}, "tolerance": tolerance})


@pytest.mark.parametrize("integer, shift", [(False, 0.04), (True, -2)])
def test_a_tolerance_in_the_metadata_is_absolute_and_in_the_unit_of_the_output(integer, shift):
    data = convolutional(integer=integer)
    difference = abs(shift) * (read_metadata(data).outputs[0].scale if integer else 1)
    assert verify_reference(TFLiteModel(with_tolerance(data, 1.01 * difference, shift))) == "optimised"
    for tolerance in (0.99 * difference, 0, None):
        with pytest.raises(ModelError, match="does not compute"):
            verify_reference(TFLiteModel(with_tolerance(data, tolerance, shift)))


def test_nan_is_within_no_tolerance():
    with pytest.raises(ModelError, match="does not compute"):
        verify_reference(TFLiteModel(with_tolerance(convolutional(integer=False), 1e9, np.nan)))


@pytest.mark.parametrize("tolerance", [-0.1, "0.1", True, [0.1], float("inf")])
def test_a_tolerance_that_is_no_number_is_refused(tolerance):
    with pytest.raises(ModelError, match="tolerance"):
        verify_reference(TFLiteModel(with_tolerance(convolutional(integer=False), tolerance, 0)))


def reference_value(seed, vectors, samples, leads, rate):
    """The generator as the module's docstring says it, one integer after the other."""
    x = seed

    def draw():
        nonlocal x
        x = (x ^ x << 13) % 2**32
        x = (x ^ x >> 17) % 2**32
        x = (x ^ x << 5) % 2**32
        return x

    for v in range(vectors):
        period = rate * (40 + draw() % 80) // 100
        jitter = period // 2 if v % 2 else 0
        drawn = [draw() for _ in range(leads)]
        noise = [draw() for _ in range(samples)]
        beats, b = [], draw() % period
        while b < samples:
            beats.append(b)
            b += period + draw() % (jitter + 1)
        triangles = ((-(rate // 6), rate // 25 + 1, 10), (0, rate // 25 + 1, 64), (rate // 4, rate // 10 + 1, 16))
        n, values = 1 << (v % 4), []
        for t in range(samples):
            shape = sum(h * max(0, w - abs(t - b - o)) // w for b in beats for o, w, h in triangles)
            for lead in range(leads):
                pulse = (24 + drawn[lead] % 40) * shape // 64
                values.append((-pulse if drawn[lead] >> 16 & 1 else pulse) + (noise[t] >> lead % 16) % (2 * n + 1) - n)
        yield values


@pytest.mark.parametrize("dtype, factor", [("int8", 1), ("int16", 256), ("float32", None)])
def test_reference_inputs_follow_their_description(dtype, factor):
    tensor = Tensor("ecg", (1, 300, 3), dtype, 0.25, 5)
    metadata = ModelMetadata(fs=250.0, inputs=(tensor,), reference=ReferenceMetadata(seed=7, vectors=4))
    made = make_reference_inputs(metadata)
    for (array,), values in zip(made, reference_value(7, 4, 300, 3, 250), strict=True):
        assert array.shape == (1, 300, 3) and array.dtype == dtype
        if factor is None:
            assert array.ravel().tolist() == [0.25 * value for value in values]
        else:
            limits = np.iinfo(dtype)
            expected = np.clip(np.array(values) * factor + 5, limits.min, limits.max)
            assert array.ravel().tolist() == expected.tolist()
            assert np.mean((array == limits.min) | (array == limits.max)) < 0.01


def row_values(seed, rows, leads):
    """The first vector of rows as the module's docstring says it: for every valid row its numbers of 0 to 255."""
    x, drawn = seed, []
    for _ in range(rows + 1):
        x = (x ^ x << 13) % 2**32
        x = (x ^ x >> 17) % 2**32
        x = (x ^ x << 5) % 2**32
        drawn.append(x)
    valid = rows // 4 + drawn[0] % (rows - rows // 4 + 1)
    return [[noise * (2 * lead + 1) % 2**32 >> 24 for lead in range(leads)] for noise in drawn[1 : valid + 1]]


@pytest.mark.parametrize(
    "dtype, offset, factor", [("int8", -128, 1), ("uint8", 0, 1), ("int16", -128, 256), ("float32", -128, 0.25)]
)
def test_every_second_input_of_rows_is_random_and_ends_in_padding(dtype, offset, factor):
    tensor, other = Tensor("features", (1, 40, 5), dtype, 0.25, 3), Tensor("rr", (1, 40, 1), dtype, 0.25, 3)
    about = ModelMetadata(fs=64.0, inputs=(tensor, other), reference=ReferenceMetadata(9, 4, form="rows"))
    made = make_reference_inputs(about)
    expected = factor * (np.array(row_values(9, 40, 5), np.float64) + offset)
    array = made[0][0][0]
    assert 10 <= len(expected) < 40 and array.dtype == dtype
    np.testing.assert_array_equal(array[: len(expected)], expected)
    assert np.all(array[len(expected) :] == (0.0 if dtype == "float32" else 3))
    assert [arrays[1].shape for arrays in made] == [(1, 40, 1)] * 4
    spread = [np.ptp(arrays[0].astype(float)) / factor for arrays in made]
    assert min(spread[0], spread[2]) > 200 > max(spread[1], spread[3])  # pulses are of 63 steps at most, and noise
