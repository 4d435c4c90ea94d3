"""Without TensorFlow Lite Micro the checks that need it are not made, and the C99 program is checked."""

import sys

import pytest

from export.verify import c99_program
from export.verify.acceptance import all_passed
from export.verify.parity import parity
from export.verify.runtimes import NOT_INSTALLED
from firmware_bench.runtime.tflite_model import TFLiteModel


@pytest.fixture
def without_micro(monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)


@pytest.fixture
def compare(edited, integer, recogniser):
    """compare() → parity of the recogniser's integer file on four windows."""
    data, windows = integer(edited), recogniser.others[:4]
    expected = {TFLiteModel(data).outputs[0].name: recogniser.model.predict(windows, verbose=0)}
    return lambda: parity(data, {"ecg": windows}, expected, lambda expected, found: ([], {}))


def c99_check(measured):
    (check,) = [check for check in measured.checks if check.name == c99_program.NAME]
    return check


def test_checks_that_need_it_are_recorded_as_not_made(without_micro, compare):
    measured = compare()
    missing = [check for check in measured.checks if check.passed is None]
    assert len(missing) == 2 and all(check.measured == NOT_INSTALLED for check in missing)
    assert all_passed(measured.checks) and list(measured.answers) == ["LiteRT"]
    assert "micro_windows" not in measured.figures


def test_the_c99_program_is_compared_with_litert(without_micro, compare):
    check = c99_check(compare())
    assert check.passed and check.measured.startswith("0 of ")


def test_a_c99_program_that_differs_fails(without_micro, compare, monkeypatch):
    def generate_wrong(data, folder, generate=c99_program.generate):
        generate(data, folder)
        vector = (folder / "test_vector.h").read_text()
        begin, values = vector.rsplit("{", 1)
        first, rest = values.split(",", 1)
        (folder / "test_vector.h").write_text(f"{begin}{{ {int(first) ^ 1},{rest}")

    monkeypatch.setattr(c99_program, "generate", generate_wrong)
    measured = compare()
    assert c99_check(measured).passed is False and not all_passed(measured.checks)


def test_without_a_compiler_the_c99_program_is_not_checked(without_micro, compare, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    measured = compare()
    assert c99_check(measured).measured == "not made: no C compiler with make is installed here"
    assert all_passed(measured.checks) and sum(check.passed is None for check in measured.checks) == 3


def test_with_it_the_c99_program_is_not_needed(compare):
    measured = compare()
    assert all(check.passed for check in measured.checks) and list(measured.answers) == [
        "LiteRT",
        "TensorFlow Lite Micro",
    ]
