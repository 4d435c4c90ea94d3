"""Generated programs, compiled for this machine."""

import shutil

import pytest
from compiled_program import CompiledProgram


@pytest.fixture(scope="session")
def generate_in():
    """(integer file, folder) → its compiled program. Skips where there is no C compiler."""
    if shutil.which("gcc") is None or shutil.which("make") is None:
        pytest.skip("gcc and make are not installed")
    return CompiledProgram


@pytest.fixture
def generated(generate_in, tmp_path):
    """Integer file → its compiled program."""
    return lambda data, name="program", prefix=None, hop_s=None: generate_in(data, tmp_path / name, prefix, hop_s)
