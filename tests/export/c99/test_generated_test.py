"""The test in the folder of a generated program: what it notices, and what it says."""

import re
import subprocess

import numpy as np
import pytest
from small_models import altered, convolutional, read_json_metadata

from export.c99.emit_test import compute_expected
from export.c99.lower import lower
from export.c99.read_graph import read_graph
from export.c99.test_inputs import choose_test_inputs
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs

TABLES = ["conv1_weights", "conv1_bias", "conv1_multipliers", "conv1_shifts", "conv2_weights", "dense1_weights"]


def damage(program, table):
    """Add an eighth, and at least 1, to every entry of a table in the source."""
    source = program.folder / f"{program.prefix}.c"
    definition = rf"( {program.prefix}_{table}\[\d+\] = {{)([^}}]+)"

    def wrong(found):
        numbers = [int(number) for number in found[2].split(",") if number.strip()]
        return found[1] + ", ".join(str(number + max(1, abs(number) // 8)) for number in numbers)

    text, count = re.subn(definition, wrong, source.read_text())
    assert count == 1
    source.write_text(text)


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_table_is_noticed_and_its_step_named(generated, table):
    program = generated(convolutional())
    damage(program, table)
    made = subprocess.run(["make", "-s", "test"], cwd=program.folder, capture_output=True, text=True)
    assert made.returncode != 0 and f"the first step that differs is {table.split('_')[0]}\n" in made.stdout


def rows():
    """A file whose reference vectors are rows of random numbers."""
    reference = read_json_metadata(convolutional())["reference"]
    return altered(convolutional(), reference={**reference, "form": "rows"})


def test_rows_are_drawn_in_c_as_in_python(generated):
    made = subprocess.run(["make", "-s", "test"], cwd=generated(rows()).folder, capture_output=True, text=True)
    assert made.returncode == 0 and "\n0 of 12 values differ\n" in f"\n{made.stdout}", made.stdout


@pytest.mark.parametrize("made", [convolutional, rows])
def test_the_inputs_are_the_file_s_reference_inputs(made):
    data = made()
    inputs = choose_test_inputs(lower(read_graph(data))).make()
    for ours, theirs in zip(inputs, make_reference_inputs(read_metadata(data)), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0][0])


def test_the_expected_outputs_are_not_saturated():
    data = convolutional()
    expected, _ = compute_expected(data, lower(read_graph(data)))
    values = np.concatenate([array.ravel() for arrays in expected for array in arrays])
    assert np.isin(values, (-128, 127)).mean() < 0.5
