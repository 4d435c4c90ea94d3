"""The file of a recipe whose figures are those of a cross-validation."""

from pathlib import Path

import pytest
from small_models import convolutional

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.tflite_model import TFLiteModel

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_a_file_gets_the_decision_of_the_folds(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from fold_figures import set_decision

    file = tmp_path / "model.tflite"
    file.write_bytes(convolutional())
    before = TFLiteModel(file).metadata
    set_decision(file, {"temperature": 1.5})
    after = TFLiteModel(file).metadata
    assert after.decision == {"temperature": 1.5} != before.decision
    assert (after.labels, after.window, after.inputs) == (before.labels, before.window, before.inputs)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        TFLiteModel(file)
