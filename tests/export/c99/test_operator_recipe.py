"""The recipe for an operator, followed step by step in a copy of the source tree, and the registry of operators."""

from pathlib import Path

import pytest
from recipes import copy_tree, follow

from export.c99 import ops
from firmware_bench.runtime.errors import InputError


@pytest.mark.slow
def test_an_operator_is_added_by_its_recipe(tmp_path):
    assert "ABS" not in ops.OPERATORS
    copy_tree(tmp_path / "copy")
    follow("operator.md", tmp_path / "copy")


@pytest.mark.slow
def test_a_wrong_operator_recipe_fails(tmp_path, monkeypatch):
    old, new = "(x < 0) ? -x : x", "(x < 0) ? x : -x"
    copy_tree(tmp_path / "copy")
    page = tmp_path / "copy" / "docs" / "contributing" / "operator.md"
    assert page.read_text().count(old) == 1
    page.write_text(page.read_text().replace(old, new))
    monkeypatch.setattr("recipes.ROOT", tmp_path / "copy")
    with pytest.raises(AssertionError, match="values differ"):
        follow("operator.md", tmp_path / "copy")


@pytest.mark.parametrize("name", sorted(ops.OPERATORS))
def test_every_operator_has_a_file_that_lowers_it(name):
    module = ops.operator_module(name)
    assert callable(module.lower) and Path(str(module.__file__)).parent == Path(ops.__file__).parent


def test_the_template_is_no_operator():
    with pytest.raises(InputError, match="TEMPLATE has no C99 kernel"):
        ops.operator_module("TEMPLATE")
    assert (Path(ops.__file__).parent / "TEMPLATE.py").is_file()
