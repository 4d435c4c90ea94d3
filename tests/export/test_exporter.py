"""Export of a Keras model: a file that describes itself and passed its checks, or no file."""

import dataclasses
import sys

import numpy as np
import pytest

from export import exporter, reference_vectors
from export.convert import converter_process as conversion
from export.convert import strategies
from export.convert.conversion_job import Converted, ExportWindows
from export.convert.converter_process import ConversionError
from export.exporter import ChecksFailedError, export
from export.quantise.layer_error import LayerError
from export.reference_vectors import add_reference_vectors
from export.tflite.flatbuffer import set_metadata
from export.verify import parity, prediction_agreement
from export.verify.prediction_agreement import check_predictions
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata, Tensor
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel

CALLER = ModelMetadata(architecture="pulses", labels=("slow", "fast", "wide"), fs=100.0, leads=("I", "II"))


@pytest.fixture
def run(recogniser, tmp_path):
    """run(**changes) → what export(…) returns, with the file at tmp_path / "export" / "model.tflite"."""

    def compare(expected, found):
        ours, theirs = (outputs["probabilities"].argmax(-1) for outputs in (expected, found))
        return check_predictions(ours, theirs, recogniser.other_targets, CALLER.labels)

    def call(**changes):
        arguments = {
            "model": recogniser.model,
            "windows": ExportWindows({"ecg": recogniser.windows}, {"ecg": recogniser.others}),
            "path": tmp_path / "export" / "model.tflite",
            "metadata": CALLER,
            "compare_predictions": compare,
        }
        return export(**{**arguments, **changes})

    return call


@pytest.fixture(autouse=True)
def short_analysis(monkeypatch):
    """Few tables are damaged: test_table_mutation.py tests the analysis."""
    monkeypatch.setattr(reference_vectors, "ANALYSIS_SECONDS", 0.05)


@pytest.fixture
def converted(edited, integer, recogniser, monkeypatch):
    """The conversion's result without the wait for it."""

    data = set_metadata(
        integer(edited), ModelMetadata(quantisation=QuantisationMetadata(method="ptq", percentile=99.99))
    )
    checked = {"output_0": recogniser.model.predict(recogniser.others, verbose=0)}
    layers = [LayerError("CONV_2D", "conv1d", 0.0, 1.0, sqnr_db=30.0, sqnr_alone_db=40.0)]
    monkeypatch.setattr(strategies, "convert_in_child", lambda *arguments, **more: Converted(data, checked, layers))
    return data


def leftovers(tmp_path):
    return [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_export_end_to_end(run, recogniser, tmp_path):
    report = run()
    data = report.path.read_bytes()
    assert leftovers(tmp_path) == [report.path] and report.size == len(data)
    assert len(report.checks) == 12 and all(check.passed for check in report.checks)
    assert read_metadata(data) == report.metadata


def test_thresholds_are_chosen_on_the_outputs_of_the_file(run, converted, monkeypatch):
    def choose(data):
        (probabilities,) = TFLiteModel(data).outputs
        return {"threshold": probabilities.scale}

    assert run(choose_decision=choose).metadata.decision == {"threshold": 1 / 256}
    monkeypatch.setattr(parity, "MIN_SQNR_DB", 90.0)
    with pytest.raises(ChecksFailedError) as failure:
        run(choose_decision=choose)
    assert failure.value.result.metadata.decision == {}


def test_metadata(run, converted, recogniser):
    metadata = run().metadata
    assert metadata.architecture == "pulses" and metadata.leads == ("I", "II")
    assert metadata.parameters == recogniser.model.count_params() - 2 * 8  # the normalisation's running figures
    (ecg,), (probabilities,) = metadata.inputs, metadata.outputs
    assert (ecg.name, ecg.shape, ecg.dtype) == ("ecg", (1, 512, 2), "int8")
    assert probabilities == Tensor("probabilities", (1, 3), "int8", 1 / 256, -128)
    assert metadata.quantisation.percentile == 99.99
    assert metadata.metrics["parity"]["windows"] == 80
    assert len(metadata.digest) == 64


@pytest.mark.parametrize("kernels", ["optimised", "reference"])
def test_reference_vectors_verify_optimised_and_reference_kernels(run, converted, kernels):
    data = run().path.read_bytes()
    assert (
        verify_reference(TFLiteModel(data, kernels=kernels)) == kernels
        or read_metadata(data).reference.outputs["optimised"] == read_metadata(data).reference.outputs["reference"]
    )


def test_reference_vectors_are_informative(converted):
    metadata = read_metadata(add_reference_vectors(converted, ModelMetadata(fs=100.0, inputs=(_ecg(converted),))))
    outputs = bytes.fromhex("".join(metadata.reference.outputs["optimised"]))
    assert len(outputs) == 4 * 3 and len(set(outputs) - {0x7F, 0x80}) >= 4


def _ecg(data):
    (ecg,) = TFLiteModel(data).inputs
    return dataclasses.replace(ecg, name="ecg")


def test_checks_that_cannot_be_made_here_are_in_the_metadata(run, converted, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    report = run()
    missing = [check for check in report.checks if check.passed is None]
    assert report.path.exists() and len(missing) == 2
    assert read_metadata(report.path.read_bytes()).metrics["parity"]["not_made"] == [
        f"{check.name}: not made: TensorFlow Lite Micro is not installed here" for check in missing
    ]
    assert any("C99" in check.name and check.passed for check in report.checks)


def test_failed_check_leaves_no_file(run, converted, monkeypatch, tmp_path):
    monkeypatch.setattr(parity, "MIN_SQNR_DB", 90.0)
    with pytest.raises(ChecksFailedError, match=r"Keras, 80 windows: \d\d\.\d dB, required: ≥ 90 dB") as caught:
        run()
    assert "Worst layer: conv1d (CONV_2D), 30.0 dB" in str(caught.value)
    assert caught.value.exit_status == 1 and "\n" not in str(caught.value) and "Try this" in str(caught.value)
    assert leftovers(tmp_path) == [] and caught.value.result.path is None
    assert sum(not check.passed for check in caught.value.result.checks) == 2


def test_lint_stops_before_any_runtime(run, float_graph, monkeypatch, tmp_path):

    data = set_metadata(float_graph, ModelMetadata(quantisation=QuantisationMetadata()))
    monkeypatch.setattr(strategies, "convert_in_child", lambda *arguments, **more: Converted(data))
    monkeypatch.setattr(exporter, "parity", None)
    with pytest.raises(ChecksFailedError, match="float tensors"):
        run()
    assert leftovers(tmp_path) == []


def test_earlier_file_survives_a_failed_export(run, converted, monkeypatch):
    before = run().path
    content = before.read_bytes()
    monkeypatch.setattr(prediction_agreement, "MIN_SAME_PREDICTION", 1.01)
    with pytest.raises(ChecksFailedError):
        run()
    assert before.read_bytes() == content


def test_crash_of_the_converter_leaves_no_file(run, monkeypatch, tmp_path):
    monkeypatch.setattr(conversion, "CHILD", (sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(ConversionError, match="SIGABRT"):
        run()
    assert leftovers(tmp_path) == []


def test_no_windows(run, recogniser):
    with pytest.raises(InputError, match="0 calibration and 80 parity windows"):
        nothing = {"ecg": np.zeros((0, 512, 2), np.float32)}
        run(windows=ExportWindows(nothing, {"ecg": recogniser.others}))


def test_many_outputs_are_recorded_by_their_digest(converted, monkeypatch):
    monkeypatch.setattr(reference_vectors, "MAX_HEX_DIGITS", 5)  # of six digits, three classes
    made = add_reference_vectors(converted, ModelMetadata(fs=100.0, inputs=(_ecg(converted),)))
    recorded = read_metadata(made).reference.outputs["optimised"]
    assert all(output.startswith("sha256:") for output in recorded) and len(set(recorded)) > 1
    assert verify_reference(TFLiteModel(made)) == "optimised"
    other = add_reference_vectors(converted, ModelMetadata(fs=150.0, inputs=(_ecg(converted),)))
    wrong = dataclasses.replace(read_metadata(made), reference=read_metadata(other).reference, digest="")
    with pytest.raises(ModelError, match="does not compute the recorded reference vector"):
        verify_reference(TFLiteModel(set_metadata(made, wrong)))


def test_too_few_calibration_windows_fail_with_what_to_do(run, converted, recogniser, tmp_path):
    """field-cases.md: of seven recordings two windows calibrated, and all checks passed."""
    few = ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others})
    with pytest.raises(ChecksFailedError, match="windows that calibrate: 2, required: ≥ 10.*more recordings"):
        run(windows=few)
    assert leftovers(tmp_path) == []


def test_windows_that_clip_fail(run, converted, recogniser, tmp_path):
    loud = ExportWindows({"ecg": recogniser.windows}, {"ecg": recogniser.others * 10})
    with pytest.raises(ChecksFailedError, match="samples of input ecg that clip, 80 windows: .*%, required: ≤ 2%"):
        run(windows=loud)


@pytest.mark.parametrize("name", ["model.tflite", "model-failed.tflite"])
def test_a_failed_file_can_be_kept_under_a_name_that_says_so(run, converted, recogniser, tmp_path, name):
    few = ExportWindows({"ecg": recogniser.windows[:2]}, {"ecg": recogniser.others})
    with pytest.raises(ChecksFailedError, match="model-failed.tflite is a file that failed, 1 of 12") as failure:
        run(windows=few, keep_failing=tmp_path / name)
    assert leftovers(tmp_path) == [failure.value.kept] == [tmp_path / "model-failed.tflite"]
    assert verify_reference(TFLiteModel(failure.value.kept))
