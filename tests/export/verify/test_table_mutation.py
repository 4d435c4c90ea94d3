import dataclasses

import numpy as np
import pytest
from small_models import convolutional

from export.reference_vectors import add_reference_vectors, choose_seed
from export.tflite import flatbuffer
from export.verify.table_mutation import MutationAnalysis, list_tables
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs


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


def test_a_seed_that_notices_more_is_preferred(plain):
    """Saturated inputs all give the same answer, as white noise did."""
    good = make_reference_inputs(read_metadata(plain))
    saturated = [[np.full_like(array, 127) for array in arrays] for arrays in good]
    blind, _ = choose_seed(plain, {1: saturated})
    assert blind == 1
    seed, score = choose_seed(plain, {1: saturated, 2: good})
    assert seed == 2 and not score.silent


def test_what_only_real_windows_notice_is_named(plain):
    good = make_reference_inputs(read_metadata(plain))
    analysis = MutationAnalysis(plain, 60, 1)
    blind = [[np.full_like(array, -128) for array in arrays] for arrays in good[:1]]
    expected = analysis.run(blind)
    silent = [table.name for table in analysis.tables if not analysis.notices(table, blind, expected)]
    _, score = choose_seed(plain, {1: blind}, windows=good)
    assert set(score.silent) <= set(silent) and score.tables == score.noticed + len(score.silent)
    assert score.noticed == len(analysis.tables) - len(silent)


def test_a_short_time_means_fewer_tables(plain):
    assert len(MutationAnalysis(plain, 0.0, 4).tables) == 1
    assert len(MutationAnalysis(plain, 60.0, 4).tables) == MutationAnalysis(plain, 60.0, 4).total
