"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

# Files that take minutes, the longest first: workers begin with them, or one would end long after the others.
LONGEST = (
    "fuzz/test_fuzz.py",
    "benchmarks/test_benchmarks.py",
    "export/c99/test_bit_exact.py",
    "models_keras/test_added_architectures.py",
    "models_keras/test_backends.py",
    "cli/test_export.py",
    "cli/test_command_faults.py",
    "cli/test_histories.py",
    "export/c99/test_operator_recipe.py",
    "training/test_resume.py",
    "test_faults.py",
)


def pytest_collection_modifyitems(items):
    order = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_addoption(parser):
    parser.addoption("--fuzz-seconds", type=float, default=60.0, help="Time to fuzz each target (default 60 s).")


@pytest.fixture(autouse=True)
def no_terminal_width(monkeypatch):
    """Tables are as wide as in a pipe: pytest's workers state the columns of a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def real_data():
    """real_data("cinc2017") → the folder of that database; skips where ECG_EDGE_DATA does not hold it."""

    def folder(database):
        root = os.environ.get("ECG_EDGE_DATA")
        if not root:
            pytest.skip("ECG_EDGE_DATA is not set: no real recordings here")
        path = Path(root) / database
        if not path.is_dir():
            pytest.skip(f"ECG_EDGE_DATA holds no {database}")
        return path

    return folder
