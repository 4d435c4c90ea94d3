"""field-cases.md: the advice to pip install is refused by Debian (PEP 668)."""

import sys
import sysconfig

import pytest

from firmware_bench.runtime import tflite_model
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.pip_command import advise_pip


@pytest.fixture
def managed(tmp_path, monkeypatch):
    """A Python that belongs to the operating system."""
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\n")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)


def test_where_pip_installs_the_advice_is_pip():
    assert advise_pip("ai-edge-litert==2.3.0") == "python3 -m pip install ai-edge-litert==2.3.0"
    assert advise_pip("ecg-edge[export]") == "python3 -m pip install 'ecg-edge[export]'"


def test_a_python_of_the_system_is_left_alone(managed):
    advice = advise_pip("numpy")
    assert advice.startswith("python3 -m venv ~/ecg-edge && ~/ecg-edge/bin/pip install numpy") and "PEP 668" in advice


def test_within_a_virtual_environment_pip_installs(managed, monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert advise_pip("numpy") == "python3 -m pip install numpy"


def test_a_missing_runtime_names_the_way_that_works_there(managed, monkeypatch):
    monkeypatch.setattr(tflite_model, "RUNTIMES", ())
    tflite_model.load_runtime.cache_clear()
    try:
        with pytest.raises(ModelError, match="python3 -m venv"):
            tflite_model.load_runtime()
    finally:
        tflite_model.load_runtime.cache_clear()
