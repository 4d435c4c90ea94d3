import dataclasses

import keras
import numpy as np
import pytest
from small_models import convolutional

from export.convert.strategies import convert
from export.reference_vectors import add_reference_vectors, choose_vectors
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.table_mutation import MutationAnalysis, list_tables
from firmware_bench.runtime.metadata import ReferenceMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs
from models_keras.registry import find


@pytest.fixture(scope="module")
def plain():
    """A small integer file without a digest."""
    data = convolutional()
    return flatbuffer.set_metadata(data, dataclasses.replace(read_metadata(data), digest=""))


def test_tables_are_the_constants_and_their_scales(plain):
    names = [table.name for table in list_tables(bytearray(plain))]
    assert (
        len(names) == len(set(names)) == 8
    )  # weights with scales, and biases, of two convolutions; weights of a dense layer
    assert any(name.startswith("CONV_2D") for name in names)
    assert all(name.endswith((", values", ", scales")) for name in names)


def test_damage_is_undone(plain):
    data = bytearray(plain)
    for table in list_tables(data):
        with table.damage():
            assert bytes(data) != plain, table.name
        assert bytes(data) == plain


def test_the_vectors_notice_every_table(plain):
    reference = read_metadata(add_reference_vectors(plain, read_metadata(plain))).reference
    assert reference.mutation.noticed == reference.mutation.tables >= 8 and reference.mutation.silent == ()


def choose(data, drawn, windows=()):
    """The choice among vectors that `drawn` lists by form and seed, the first ones of each list."""
    seeds = sorted({seed for _, seed in drawn})
    references = [ReferenceMetadata(seed, 1) for seed in seeds]
    return choose_vectors(data, references, lambda each: drawn[each.form, each.seed][: each.vectors], windows)


def silence(plain, count):
    """Inputs that are zero throughout, for which no weight matters."""
    metadata = read_metadata(plain)
    return [[np.full(tensor.shape, tensor.zero_point, np.int8) for tensor in metadata.inputs]] * count


def test_a_seed_that_notices_more_is_preferred(plain):
    good = make_reference_inputs(read_metadata(plain))
    saturated = [[np.full_like(array, 127) for array in good[0]]] * 32
    blind = {("signal", 1): saturated, ("rows", 1): saturated}
    assert choose(plain, blind).seed == 1
    chosen = choose(plain, {**blind, ("signal", 2): good * 8, ("rows", 2): saturated})
    assert chosen.seed == 2 and chosen.form == "signal" and not chosen.mutation.silent


def test_what_only_real_windows_notice_is_named(plain):
    good = make_reference_inputs(read_metadata(plain))
    analysis, blind = MutationAnalysis(plain, 60, 1), silence(plain, 32)
    expected = analysis.run(blind)
    silent = [table.name for table in analysis.tables if not analysis.notices(table, blind, expected)]
    score = choose(plain, {("signal", 1): blind, ("rows", 1): blind}, windows=good).mutation
    assert score.silent and set(score.silent) <= set(silent) and score.tables == score.noticed + len(score.silent)
    assert score.noticed == len(analysis.tables) - len(silent)


def test_rows_are_taken_where_pulses_notice_less(plain):
    good = make_reference_inputs(read_metadata(plain))
    blind = silence(plain, 32)
    chosen = choose(plain, {("signal", 1): blind, ("rows", 1): good * 8})
    assert chosen.form == "rows" and chosen.vectors <= 4 and not chosen.mutation.silent


def test_more_vectors_are_taken_until_every_table_is_noticed(plain):
    good = make_reference_inputs(read_metadata(plain))
    late = silence(plain, 5) + good * 7
    chosen = choose(plain, {("signal", 1): late, ("rows", 1): silence(plain, 32)}, windows=good)
    assert chosen.form == "signal" and 8 <= chosen.vectors <= 16 and not chosen.mutation.silent


@pytest.mark.slow
def test_every_table_of_a_model_of_feature_rows_is_noticed():
    """Untrained: its pulses are mostly masked away, since its input weights is never negative."""
    architecture = find("rhythm_from_beats")
    keras.utils.set_random_seed(0)
    model = architecture.build(32, 2, 6, **architecture.presets["tiny"].model | {"morphology": True})
    random, beats = np.random.default_rng(0), 8 + np.arange(24)
    valid = np.arange(32) < beats[:, None]
    noise = {
        "features": random.normal(size=(24, 32, 40)) * valid[..., None],
        "rr": random.uniform(0.4, 1.5, (24, 32, 1)) * valid[..., None],
        "weights": valid / beats[:, None],
    }
    data = convert(model, {name: values.astype(np.float32) for name, values in noise.items()}).data
    inputs, outputs = describe_tensors(data)
    described = dataclasses.replace(read_metadata(data), inputs=inputs, outputs=outputs, fs=64.0)
    reference = read_metadata(add_reference_vectors(data, described)).reference
    assert reference.form == "rows" and reference.mutation.silent == () and reference.mutation.noticed > 30


def test_a_short_time_means_fewer_tables(plain):
    assert len(MutationAnalysis(plain, 0.0, 4).tables) == 1
    assert len(MutationAnalysis(plain, 60.0, 4).tables) == MutationAnalysis(plain, 60.0, 4).total
