"""A run's folder: what it must hold, what it gives back."""

import dataclasses

import pytest
from small_recordings import record, recordings

from ecg_edge.data.dataset import Dataset
from ecg_edge.records.databases.synthetic import Synthetic
from ecg_edge.records.split import split
from ecg_edge.run import Run
from ecg_edge.run_description import describe_recordings
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.training.config import resolve
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json, write_json
from models_keras.registry import find


@pytest.fixture
def make(tmp_path, monkeypatch):
    """make(task) → a run of some synthetic recordings, not trained."""
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Synthetic, "records_per_class", 3)

    def made(kind=RhythmTask, classes=("SNR", "AF"), name="run"):
        dataset = Dataset.open("synthetic", kind, ("I", "V1"))
        settings = resolve(find("cnn"), kind.Options, "tiny", "synthetic", dataset.leads, 3, ["signal.window_s=4"])
        return Run.create(tmp_path / name, kind(classes), settings, dataset, split(dataset.entries, 3))

    return made


def test_a_run_is_read_as_it_was_written(make):
    run = make()
    again = Run(run.path)
    assert again.settings == run.settings and again.split == run.split
    assert again.task.classes == ("SNR", "AF") and again.task.decision == {}
    assert again.config["leads"] == ["I", "V1"] and again.dataset.leads == ("I", "V1")
    assert again.config["task"] == {"name": "rhythm"} and {"numpy", "keras"} <= set(again.config["versions"])
    with pytest.raises(InputError, match="holds a run already"):
        make()


def test_the_stored_decision_is_used_by_the_task(make):
    run = make()
    write_json(run.path / "decision.json", {"thresholds": [0.25, 0.5]})
    assert Run(run.path).task.decision == {"thresholds": [0.25, 0.5]}


def test_only_the_training_part_is_for_learning(make, monkeypatch):
    run, asked = make(), {}

    def examples(self, recordings, names, form, training=False):
        asked[tuple(names)] = training
        return original(self, recordings, names, form, training)

    original = RhythmTask.examples
    monkeypatch.setattr(RhythmTask, "examples", examples)
    for part in ("train", "validation", "test"):
        found = run.examples(part)
        assert {found.entries[i].name for i in found.records} <= set(run.split[part])
    assert asked == {tuple(names): part == "train" for part, names in run.split.items()}


def test_a_model_of_the_same_seed_is_the_same(make):
    first, second = make().build(), make(name="other").build()
    assert all((a == b).all() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))
    assert first.input_shape == (None, 400, 2) and first.output_shape == (None, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "rhythm"}, "not the folder of a run"),  # as an earlier version wrote it
        ({"training": {"epoch": 3}}, "not the folder of a run.*epoch"),
        ({"signal": None}, "not the folder of a run"),
    ],
)
def test_a_damaged_configuration_is_one_line(make, change, message):
    path = make().path
    write_json(path / "config.json", read_json(path / "config.json") | change)
    with pytest.raises(InputError, match=message):
        Run(path)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match="not the folder of a run: no .*config.json"):
        Run(tmp_path)


def measured(units=("mV",), lengths=(1000, 2500)):
    """Prepared recordings of two people, of some units."""
    made = recordings(*(record(f"r{i}", samples=samples) for i, samples in enumerate(lengths)))
    return dataclasses.replace(made, units=units)


def test_a_run_states_what_predictions_need_to_know_of_its_recordings(make, monkeypatch):
    monkeypatch.setattr(Synthetic, "lead_order", ("V1",))
    run = make()
    settings, parts = run.settings, {"train": ["r0", "r1"], "validation": [], "test": []}
    assert run.describe_model().lead_order == ("V1",)
    assert describe_recordings(measured(), settings, parts) == {"units": "mV", "shortest": 1000}
    assert describe_recordings(measured(units=("NU",)), settings, {**parts, "train": ["r1"]})["shortest"] == 2500
    assert describe_recordings(measured(units=("NU",)), settings, parts)["units"] == "NU"
    write_json(run.path / "config.json", run.config | {"units": "NU", "shortest": 77})
    about = Run(run.path).describe_model()
    assert (about.units, about.window.shortest, about.window.samples) == ("NU", 77, settings.signal.samples)


def test_recordings_of_several_units_need_scaling(make):
    run, parts = make(), {"train": ["r0", "r1"], "validation": [], "test": []}
    mixed = measured(units=("mV", "NU"))
    with pytest.raises(InputError, match=r"several units \(mV, NU\).* signal.normalise") as error:
        describe_recordings(mixed, run.settings, parts)
    assert "\n" not in str(error.value)
    for normalise in ("record", "window"):
        signal = dataclasses.replace(run.settings.signal, normalise=normalise, mode="offline")
        scaled = dataclasses.replace(run.settings, signal=signal)
        assert describe_recordings(mixed, scaled, parts)["units"] == "any"
