"""Private names of TensorFlow and Keras are used in one file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for package in ("ecg_edge", "export", "models_keras") for file in (ROOT / package).rglob("*.py"))
ALLOWED = ROOT / "export" / "tf_private.py"


def private_names(source: str) -> set[str]:
    """Attributes with a leading underscore that `source` reads and does not define, and imports of inner modules."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")}  # fmt: skip
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    read.discard("_exit")  # of os, documented
    found = {name for name in read - own if name.startswith("_") and not name.endswith("__")}
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found | {name for name in modules if name.startswith(("tensorflow.", "keras.src"))}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("model._flatten_layers()", {"_flatten_layers"}),
        ("from tensorflow.lite.python.convert import mlir_quantize", {"tensorflow.lite.python.convert"}),
        (
            "class A:\n    def __init__(self):\n        self._own = 1\n    def _mine(self):\n        return self._own",
            set(),
        ),
        ("model.layers", set()),
    ],
)
def test_the_search_finds_private_names(source, names):
    assert private_names(source) == names


def test_private_names_are_used_in_one_file():
    found = {file for file in FILES if private_names(file.read_text())}
    assert found == {ALLOWED}
