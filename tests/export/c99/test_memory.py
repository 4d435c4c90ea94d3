"""Rows kept while samples arrive, the memory plan, and the sizes that the compiler finds."""

import re
import subprocess

import keras
import numpy as np
import pytest
from keras import layers
from small_models import SAMPLES, converted, convolutional, recurrent

from export.c99 import generate
from export.c99.lower import lower
from export.c99.memory_plan import plan_memory
from export.c99.read_graph import read_graph
from export.c99.reference_kernels import run_reference_kernels
from export.c99.schedule import schedule_steps


def plan(data):
    program = lower(read_graph(data))
    schedule = schedule_steps(program)
    return program, schedule, plan_memory(program, schedule)


def test_rings_hold_the_rows_that_convolutions_still_need():
    _, schedule, _ = plan(convolutional())
    kept = {storage.name: capacity for storage, capacity in schedule.capacities.items()}
    # Nine taps; the second convolution's input is read before the next row of it is made.
    assert kept["ecg"] == 9 and kept["conv1"] == 9 and kept["conv2"] == 1


def test_a_shortcut_keeps_rows_for_the_longer_branch():
    ecg = keras.Input((64, 4), name="ecg")
    x = layers.Conv1D(4, 9, padding="same")(layers.Conv1D(4, 9, padding="same")(ecg))
    model = keras.Model(ecg, layers.GlobalAveragePooling1D()(layers.Add()([x, ecg])))
    _, schedule, _ = plan(converted(model, (64, 4)))
    kept = {storage.name: capacity for storage, capacity in schedule.capacities.items()}
    assert kept["ecg"] == 4 + 4 + 1  # for the sum's row t, when the first convolution has read to t + 8
    assert kept["conv1"] == 9


def test_pushed_samples_and_whole_windows_give_the_same(generated):
    program = generated(convolutional())
    random = np.random.default_rng(3)
    for _ in range(2):  # the second window begins where the first ended
        ecg = random.integers(-128, 128, (1, SAMPLES, 2)).astype(np.int8)
        (expected,) = run_reference_kernels(program.data, [ecg])
        found = np.empty_like(expected)
        done = [program.call("push", row, found) for row in ecg[0]]
        assert done == [0] * (SAMPLES - 1) + [1]
        np.testing.assert_array_equal(found, expected)
        (whole,) = program.run([ecg], [np.empty_like(expected)])
        np.testing.assert_array_equal(whole, expected)


def test_a_reset_forgets_the_samples_so_far(generated):
    program = generated(convolutional())
    ecg = np.random.default_rng(7).integers(-128, 128, (1, SAMPLES, 2)).astype(np.int8)
    (expected,) = run_reference_kernels(program.data, [ecg])
    found = np.empty_like(expected)
    for row in ecg[0][:100]:
        program.call("push", row, found)
    program.call("reset")
    for row in ecg[0]:
        program.call("push", row, found)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("model", [convolutional, pytest.param(recurrent, marks=pytest.mark.slow)])
def test_two_signals_with_a_memory_each_do_not_meet(model, generated):
    program = generated(model())
    samples = lower(read_graph(program.data)).inputs[0].storage.rows
    signals = np.random.default_rng(9).integers(-128, 128, (2, samples, 2)).astype(np.int8)
    expected = [run_reference_kernels(program.data, [signal[None]])[0] for signal in signals]
    states, found = [program.make_state(), program.make_state()], np.empty_like(expected)
    for rows in zip(*signals, strict=True):
        for row, state, answer in zip(rows, states, found, strict=True):
            program.call("push", row, answer, state=state)
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(*expected)


@pytest.mark.parametrize("model", [convolutional, pytest.param(recurrent, marks=pytest.mark.slow)])
def test_the_compiler_finds_the_memory_that_was_plan(model, generated):
    program = generated(model())
    (program.folder / "size.c").write_text('#include "small.h"\nchar memory[sizeof(struct small_state)];\n')
    subprocess.run(["gcc", "-std=c99", "-O2", "-c", "small.c", "size.c"], cwd=program.folder, check=True)
    sizes = subprocess.run(["size", "-A", "small.o"], cwd=program.folder, capture_output=True, text=True, check=True)
    assert {int(size) for size in re.findall(r"^\.(?:bss|data)\s+(\d+)", sizes.stdout, re.M)} == {0}
    listed = subprocess.run(["nm", "-S", "size.o"], cwd=program.folder, capture_output=True, text=True, check=True)
    (size,) = (int(size, 16) for size in re.findall(r"^\w+ (\w+) B memory", listed.stdout, re.M))
    assert program.plan.total <= size < program.plan.total + 8  # to align members
    assert f"#define SMALL_RAM_BYTES {program.plan.total}\n" in (program.folder / "small.h").read_text()


@pytest.mark.slow
def test_values_that_are_needed_together_do_not_overlap():
    program, schedule, memory = plan(recurrent())
    order = dict.fromkeys(schedule.row_steps, 0) | {step: n for n, step in enumerate(schedule.final_steps, 1)}
    made = {view.storage: 0 for view in program.inputs} | {
        step.output.storage: order[step] for step in program.steps if step.output.storage in memory.places
    }
    for storage, place in memory.places.items():
        low = int(place.base.split("+")[1])
        high = low + place.capacity * place.stride
        needed = max([order[step] for step in storage.consumers] + [len(order)] * storage.is_output)
        assert high <= memory.arena
        for other, elsewhere in memory.places.items():
            alive = (
                made[other] < needed and max([order[s] for s in other.consumers], default=len(order)) > made[storage]
            )
            if other is not storage and alive and made[other] >= made[storage]:
                start = int(elsewhere.base.split("+")[1])
                assert start >= high or start + elsewhere.capacity * elsewhere.stride <= low


def test_the_same_file_gives_the_same_program(tmp_path):
    texts = []
    for name in ("first", "second"):
        generate(convolutional(), tmp_path / name)
        texts.append({path.name: path.read_text() for path in (tmp_path / name).iterdir()})
    assert texts[0] == texts[1]
