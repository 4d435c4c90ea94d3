"""ecg_edge.train, resume, evaluate, export: from recordings to a file."""

import dataclasses
import re

import keras
import numpy as np
import pytest

import ecg_edge
from ecg_edge import InputError
from ecg_edge.api.dry_run import try_training_step
from ecg_edge.api.export_report import keep_report
from ecg_edge.api.training_run import create_run
from ecg_edge.tasks.metrics import confusion_matrix
from firmware_bench.runtime.files import read_json

OFFLINE = {"signal.mode": "offline", "signal.normalise": "record"}


def test_a_trained_run_has_its_settings_its_backend_and_its_messages(training):
    run, reporter = training
    assert isinstance(run, ecg_edge.Run) and (run.path / "model.keras").exists()
    assert run.settings.training.batch == 8 and run.settings.training.epochs == 2
    assert run.settings.signal.normalise == "record" and run.config["leads"] == ["II"]
    assert run.config["keras_backend"] == keras.backend.backend()
    assert run.config["arguments"][:4] == ["--arch", "cnn", "--preset", "tiny"]
    assert run.config["arguments"][-2:] == ["--set", "signal.normalise=record"]
    parts = run.config["parts"]
    assert {part: counts["recordings"] for part, counts in parts.items()} == {
        part: len(names) for part, names in run.split.items()
    }
    assert sum(counts["patients"] for counts in parts.values()) == 10 and set(parts["test"]["classes"]) <= {
        *run.config["classes"]
    }
    assert sum(message.startswith("epoch ") for message in reporter.messages) == 2
    assert f"run folder: {run.path}" in reporter.messages
    steps = reporter.stages["epoch"]
    assert steps[-1] == (3, 3) and steps.count((3, 3)) == 2  # 24 examples in batches of 8, twice


def test_settings_may_be_words_as_on_the_command_line(recordings, tmp_path):
    settings = ["training.batch=8", "signal.window_s=5"]
    run = create_run("cnn", "tiny", recordings, ["II"], settings=settings, folder=tmp_path / "run")
    assert run.settings.training.batch == 8 and run.settings.signal.window_s == 5
    assert not (run.path / "model.keras").exists()
    with pytest.raises(ecg_edge.InputError, match="no trained model yet"):
        ecg_edge.evaluate(run)


def test_wrong_names_are_one_line_and_leave_nothing(recordings, tmp_path):
    for arguments, message in (
        ({"arch": "cnnn"}, "did you mean cnn"),
        ({"arch": "cnn", "preset": "tinny"}, "did you mean tiny"),
        ({"arch": "cnn", "task": "beats"}, "serves the task"),
        ({"arch": "cnn", "settings": {"training.bach": 1}}, "did you mean training.batch"),
        ({"arch": "cnn", "leads": ["IX"]}, "'IX'"),
    ):
        with pytest.raises(ecg_edge.InputError, match=message):
            ecg_edge.train(data=recordings, folder=tmp_path / "run", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_trained_to_its_end_is_resumed_without_another_epoch(run):
    before = (run.path / "model.keras").stat().st_mtime_ns
    again = ecg_edge.resume(run.path)
    assert again.path == run.path and len((run.path / "history.csv").read_text().splitlines()) == 3
    assert (run.path / "model.keras").stat().st_mtime_ns == before


def test_an_evaluation_is_typed_and_kept(run, reporter):
    result = ecg_edge.evaluate(run, reporter=reporter)
    assert result.values == read_json(result.path) and result.path == run.path / "evaluation-keras.json"
    with np.load(result.path.with_suffix(".npz"), allow_pickle=False) as scores:
        assert sorted(scores["names"]) == sorted(run.split["test"])
        np.testing.assert_allclose(scores["probabilities"].sum(axis=1), 1, rtol=1e-5)
        assert confusion_matrix(scores["truth"].argmax(1), scores["probabilities"].argmax(1), 3).tolist() == (
            result.confusion_matrix
        )
    f1 = result.metrics["macro_f1"]
    assert 0 <= f1.low <= f1.value <= f1.high <= 1
    assert set(result.classes) == {"AF", "LBBB", "SNR"} and "f1" in result.classes["AF"]
    assert sum(map(sum, result.confusion_matrix)) == 3 and result.variants == {}
    assert reporter.stages["predicting"][-1] == (3, 3) and reporter.stages["resampling patients"][-1] == (1000, 1000)


def test_a_report_draws_recordings_of_the_test_part(run, tmp_path, reporter):
    ecg_edge.evaluate(run)
    page = ecg_edge.report(run, tmp_path / "report.html", recordings=2, reporter=reporter).read_text()
    assert page.count("data:image/png;base64,") == 2 and reporter.stages["drawing recordings"][-1] == (2, 2)
    drawn = re.findall(r"<p class=.name.>([^:<]+): labelled (\w+), predicted (\w+): (right|wrong)<", page)
    assert {name for name, *_ in drawn} <= {*run.split["test"]} and len(drawn) == 2
    assert all((label == said) == (verdict == "right") for _, label, said, verdict in drawn)
    assert page.count("; shaded: integrated gradients for ") == 2


def test_the_way_to_run_and_the_target_of_an_export_are_checked_first(run):
    with pytest.raises(ecg_edge.InputError, match="no target 'gpu'"):
        ecg_edge.export(run, target="gpu")
    with pytest.raises(ecg_edge.InputError, match="calibration alone"):
        ecg_edge.export(run, streaming=True, qat=True)


@pytest.mark.slow
def test_an_export_is_evaluated_and_predicts_like_its_run(run, recordings, tmp_path, reporter):
    report = ecg_edge.export(run, out=tmp_path / "model.tflite", reporter=reporter)
    assert not (tmp_path / "model.json").exists(), "no report beside a file that is nobody's export folder"
    keep_report(dataclasses.replace(report, path=run.path / "export" / "model.tflite"), run)
    kept = read_json(run.path / "export" / "model.json")
    assert kept["size"] == report.size and len(kept["layers"]) == len(report.layers) > 0
    assert [check["passed"] for check in kept["checks"]] == [True] * len(report.checks)
    assert report.path.stat().st_size == report.size and all(check.passed for check in report.checks)
    first, *others = report.agreements
    assert first.sqnr_db is None and first.agreement == 1.0
    assert others and all(row.sqnr_db > 10 for row in others)
    assert any(message.startswith("warning: only") for message in reporter.messages)
    evaluation = ecg_edge.evaluate(run, model=report.path)
    assert evaluation.path == run.path / "evaluation-model.json"
    exported, trained = ecg_edge.load(report.path), ecg_edge.load(run.path)
    found, expected = (model.predict_record(recordings / "AF-1") for model in (exported, trained))
    assert found.probabilities == pytest.approx(expected.probabilities, abs=0.05)
    program = ecg_edge.generate_c99(report.path, tmp_path / "program")
    assert (program.folder / f"{program.prefix}.c").exists() and program.static_ram["total"] > 0


@pytest.mark.slow
def test_a_rejected_export_holds_its_report_and_writes_nothing(run, tmp_path, monkeypatch):
    from ecg_edge.api.run_export import ExportRejected

    monkeypatch.setattr("export.verify.parity.MIN_SQNR_DB", 90.0)
    with pytest.raises(ExportRejected) as error:
        ecg_edge.export(run, out=tmp_path / "model.tflite")
    assert isinstance(error.value, ecg_edge.AcceptanceError) and error.value.report.path is None
    assert not all(check.passed for check in error.value.report.checks) and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_training_starts_from_the_weights_of_a_run(run, recordings, training, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(cache))
    reporter = type(training[1])()
    settings = {"training.init": run.path, "training.learning_rate": 1e-9, **OFFLINE}
    started = ecg_edge.train("cnn", "tiny", recordings, ["II"], None, settings, 1, tmp_path / "on", 1, reporter)
    (line,) = [message for message in reporter.messages if message.startswith(f"initial weights of {run.path}: ")]
    assert line.endswith(" weights")  # all of them
    for ours, theirs in zip(started.model().trainable_variables, run.model().trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-6)
    assert [source.path for source in started.sources] == [tmp_path / "on" / "initial"]
    assert started.identities.signals == started.identities.signals | run.identities.signals
    # With another seed, patients of the test part were learnt from by the run before.
    with pytest.raises(InputError, match="known from training|train"):
        ecg_edge.evaluate(started)


def test_initial_weights_of_which_none_fits_are_refused_and_nothing_is_written(
    run, recordings, cache, tmp_path, monkeypatch
):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(cache))
    settings = {"training.init": run.path}
    with pytest.raises(InputError, match="do not fit: . of"):
        try_training_step("rhythm_resnet1d", "tiny", recordings, ["II"], "rhythm", settings)
    with pytest.raises(InputError, match="do not fit: . of"):
        ecg_edge.train("rhythm_resnet1d", "tiny", recordings, ["II"], "rhythm", settings, 1, tmp_path / "other")
    with pytest.raises(InputError, match="nowhere is not the folder of a run"):
        ecg_edge.train(
            "cnn",
            "tiny",
            recordings,
            ["II"],
            None,
            {"training.init": "nowhere"},
            1,
            tmp_path / "other",
        )
    assert not (tmp_path / "other").exists()
