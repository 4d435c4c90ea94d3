"""Every operator with a C kernel computes in C what LiteRT and TensorFlow Lite Micro compute, whatever its form."""

import shutil

import pytest

from export.c99.ops import OPERATORS
from export.c99.passes.tabulate_unary import UNARY
from export.tflite import flatbuffer
from export.verify.runtimes import micro_installed
from operator_fuzz import comparison
from operator_fuzz.cases import CASES
from operator_fuzz.comparison import compare, fuzz

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def assert_right(cases):
    wrong = [f"{case.operator}, {case.bits} bits, case {case.seed}: {case.wrong}" for case in cases if case.wrong]
    assert not wrong, "\n".join(wrong)


def test_every_operator_of_the_generator_is_drawn():
    fused = {"ATTENTION"}  # of several operators: tests/export/c99/test_operators.py
    assert set(CASES) == (set(OPERATORS) | UNARY) - fused


def test_a_few_forms_of_every_operator():
    cases = compare([(name, 1) for name in CASES])
    assert_right(cases)
    assert sum(bool(case.texts) for case in cases) > 0.85 * len(cases)  # the rest is refused


@pytest.mark.slow
def test_many_forms_of_every_operator():
    cases = fuzz(sorted(CASES), seed=1000, seconds=60)
    assert len(cases) > 3 * len(CASES)
    assert_right(cases)


@pytest.mark.parametrize(("name", "seed"), [("SQUARED_DIFFERENCE", 106), ("ADD", 4)])
def test_scales_that_litert_ends_the_process_for_are_refused(name, seed):
    (case,) = compare([(name, seed)])
    assert "too far apart" in case.refusal and name in case.refusal and not case.wrong


def test_a_weight_of_another_value_is_noticed(monkeypatch):
    def generate_damaged(data, prefix):
        model = flatbuffer.read(data)
        model.buffers[1].data = model.buffers[1].data ^ 64
        return generate(flatbuffer.write(model), prefix)

    generate = comparison.generate_files
    monkeypatch.setattr(comparison, "generate_files", generate_damaged)
    cases = compare([("CONV_2D", seed) for seed in range(6)])
    assert sum("values differ" in case.wrong for case in cases) >= 3


def test_an_access_beyond_an_input_is_noticed(monkeypatch):
    def make_driver(number, case):
        size = case.inputs[0][0].size
        return driver(number, case).replace(f"x0 = must(malloc({size} *", f"x0 = must(malloc({size - 1} *")

    driver = comparison._driver_function
    monkeypatch.setattr(comparison, "_driver_function", make_driver)
    cases = compare([("TRANSPOSE", 1), ("TRANSPOSE", 2)])
    assert all(case.wrong.startswith("sanitizer: ") and "heap-buffer-overflow" in case.wrong for case in cases)


@pytest.mark.skipif(not micro_installed(), reason="TensorFlow Lite Micro is not installed")
def test_a_difference_between_the_runtimes_that_no_fact_states_is_noticed(monkeypatch):
    monkeypatch.setattr(comparison, "micro_difference", lambda name, bits: None)
    (case,) = compare([("RELU6", 0)])
    assert case.wrong.startswith("TensorFlow Lite Micro: differs by ")
