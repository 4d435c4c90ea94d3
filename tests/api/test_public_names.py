"""import ecg_edge: quick, without other packages, and every public name documented."""

import inspect
import subprocess
import sys

import pytest

import ecg_edge

HEAVY = ("numpy", "scipy", "wfdb", "keras", "tensorflow", "jax", "matplotlib", "click", "rich", "ai_edge_litert")
FUNCTIONS = [name for name in ecg_edge.__all__ if inspect.isfunction(getattr(ecg_edge, name))]


def test_the_import_takes_under_a_tenth_of_a_second_and_loads_no_package():
    code = (
        "import sys, time\n"
        "before = time.process_time()\n"
        "import ecg_edge\n"
        f"print(time.process_time() - before, *(set({HEAVY}) & set(sys.modules)))\n"
    )
    printed = [subprocess.check_output([sys.executable, "-c", code], text=True).split() for _ in range(3)]
    assert min(float(seconds) for seconds, *_ in printed) < 0.1
    assert all(len(words) == 1 for words in printed), printed


def test_public_names_are_listed_and_others_are_an_attribute_error():
    assert {"load", "predict", "train", "evaluate", "export"} <= set(ecg_edge.__all__) <= set(dir(ecg_edge))
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        ecg_edge.laod  # noqa: B018


def test_type_checkers_see_the_names_that_are_imported_late():
    source = inspect.getsource(ecg_edge)
    assert all(f"import {name} as {name}\n" in source for name in ecg_edge.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_typed_and_documented(name):
    function = getattr(ecg_edge, name)
    sections = inspect.getdoc(function)
    assert all(section in sections for section in ("Args:", "Raises:", "Examples:"))
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter
        assert f"{parameter.name}:" in sections, parameter


@pytest.mark.parametrize("name", sorted(set(ecg_edge.__all__) - set(FUNCTIONS)))
def test_every_class_is_documented(name):
    assert getattr(ecg_edge, name).__doc__
