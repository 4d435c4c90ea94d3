"""Programs that answer every hop: equal to whole windows away from their ends, at the cost of what is new."""

import subprocess

import keras
import numpy as np
import pytest
from keras import layers
from small_models import LABELS, converted, convolutional, described, recurrent

from export.c99 import generate
from export.c99.continuous import find_default_hop, make_continuous
from export.c99.continuous_model import ContinuousModel
from export.c99.lower import lower
from export.c99.read_graph import read_graph
from export.c99.reference_kernels import ReferenceModel
from firmware_bench.runtime.errors import InputError

FS, SAMPLES = 100.0, 256  # of the small models


@pytest.fixture(scope="module")
def data():
    return convolutional()


@pytest.fixture(scope="module")
def gated():
    """Strides, pools, a gate and two readers of what is kept, as the registered architectures have them."""
    keras.utils.set_random_seed(5)
    ecg = keras.Input((SAMPLES, 2), name="ecg")
    x = layers.MaxPooling1D(2, padding="same")(layers.Conv1D(6, 5, padding="same", activation="relu")(ecg))
    x = layers.Conv1D(6, 7, strides=2, padding="same", activation="relu")(x)
    x = layers.Multiply()([x, layers.Conv1D(6, 1, activation="sigmoid")(x)])
    x = layers.Add()([x, layers.Conv1D(6, 9, padding="same")(x)])
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    model = keras.Model(ecg, layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x))
    return described(converted(model, (SAMPLES, 2)), SAMPLES, ["I", "II"])


def draw(count, seed=0):
    random, time = np.random.default_rng(seed), np.arange(count)
    waves = 90 * np.sin(time[:, None] / 11 + [0, 1]) ** 9 + random.normal(0, 12, (count, 2))
    return waves.round().clip(-128, 127).astype(np.int8)


def feed(model, samples):
    answers = []
    while len(samples):
        part, samples = samples[: model.remaining], samples[model.remaining :]
        answers.append(model.push(part))
    return [answer.ravel() for answer in answers if answer is not None]


@pytest.mark.parametrize("name", ["data", "gated"])
@pytest.mark.parametrize("hop", [1, 16, 60, 1000])
def test_the_program_computes_what_the_model_in_python_computes(name, hop, request, generated):
    data = request.getfixturevalue(name)
    program = generated(data, hop_s=hop / FS)
    assert program.run_own_test().startswith("0 of ")
    model, samples = ContinuousModel(data, hop / FS, kernels="reference"), draw(1500)
    expected, found, answer = feed(model, samples), [], np.zeros(len(LABELS), np.int8)
    program.call("reset")
    for sample in samples:
        if program.call("push", sample, answer):
            found.append(answer.copy())
    np.testing.assert_array_equal(found, expected)
    assert len(expected) == 1 + (1500 - model.loop.span) // model.loop.hop_samples
    assert len({row.tobytes() for row in expected}) > 2


@pytest.mark.parametrize("name", ["data", "gated"])
def test_rows_are_those_of_whole_windows_away_from_their_ends(name, request):
    data, samples = request.getfixturevalue(name), draw(2000, seed=1)
    model, window = ContinuousModel(data, 0.0, kernels="reference"), ReferenceModel(data)
    loop, compared = model.loop, 0
    kept = {}
    while len(samples) - model._taken >= model.remaining:
        model.push(samples[model._taken : model._taken + model.remaining])
        for number, row in enumerate(model._rows[0]):
            kept[model._made - loop.rows + number] = row
    for start in range(0, (2000 - SAMPLES) // loop.samples, 3):
        first = start * loop.samples
        window.run_raw([samples[first : first + SAMPLES][None]])
        rows = window.tensor(loop.tensors[0]).reshape(loop.rows, -1)
        for number, row in enumerate(rows):
            low, high = (reach + number * loop.samples for reach in loop.reach)
            if low >= 0 and high < SAMPLES and start + number in kept:
                np.testing.assert_array_equal(row, kept[start + number])
                compared += 1
    assert compared > 500


def test_only_what_is_new_is_computed(data, generated, tmp_path):
    """The steps that run row by row make each row once, however short the hop."""
    program = generated(data, hop_s=1 / FS)
    source = (program.folder / f"{program.prefix}.c").read_text()
    counter = "#define ECG_PROFILE(step) count_step(#step)\nvoid count_step(const char *step);\n"
    (program.folder / "count.h").write_text(counter)
    sources = [str(path) for path in program.folder.glob("*.c") if path.name != "test.c"]
    (program.folder / "main_count.c").write_text(
        f'#include "{program.prefix}.h"\n#include <stdio.h>\n#include <string.h>\n'
        "static int rows;\nvoid count_step(const char *step);\n"
        'void count_step(const char *step) { rows += strcmp(step, "conv1") == 0; }\n'
        f"int main(void) {{ static struct {program.prefix}_state state; int8_t sample[2] = {{1, 2}}, answer[9];\n"
        f"{program.prefix}_reset(&state);\n"
        f"for (int t = 0; t < 1000; ++t) {{ {program.prefix}_push(&state, sample, answer); }}\n"
        'printf("%d", rows); return 0; }\n'
    )
    command = ["gcc", "-std=c99", "-include", "count.h", "-o", "count", *sources, "main_count.c"]
    subprocess.run(command, cwd=program.folder, check=True)
    assert "conv1" in source
    assert int(subprocess.run([program.folder / "count"], capture_output=True, check=True).stdout) <= 1000


def test_a_network_that_cannot_answer_every_hop_is_refused(tmp_path):
    with pytest.raises(InputError, match="no part of the network runs sample by sample"):
        generate(recurrent(), tmp_path / "program", hop_s=1.0)
    assert not (tmp_path / "program").exists()


def test_a_window_shorter_than_the_reach_of_a_row_is_refused():
    ecg = keras.Input((32, 2), name="ecg")
    x = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 33, padding="same")(ecg))
    model = keras.Model(ecg, layers.Dense(3, activation="softmax", name="probabilities")(x))
    data = described(converted(model, (32, 2)), 32, ["I", "II"])
    with pytest.raises(InputError, match="shorter"):
        make_continuous(lower(read_graph(data)), 8)


def test_the_default_hop_is_a_second_where_the_network_can(data):
    assert find_default_hop(data) == 1.0 and find_default_hop(recurrent()) is None
