"""What predictions and devices have to know about a run: its model, and the recordings that it learns from."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.recordings import Recordings
from ecg_edge.records.summary import count_recordings
from ecg_edge.software_versions import installed_versions
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ANY_UNIT, DataMetadata, ModelMetadata, TaskMetadata


def describe_model(config: Mapping[str, Any], settings: Config, decision: dict[str, Any], path: Path) -> ModelMetadata:
    """Describe a run's model for the metadata of an exported file.

    Args:
        config: The run's config.json.
        settings: The same, typed.
        decision: Thresholds and the like, {} before training has chosen them.
        path: The run's folder, for messages.

    Raises:
        InputError: An exported file cannot state a value, such as a label.
    """
    try:
        task = dict(config["task"])
        window = dataclasses.replace(settings.signal.window_spec(), shortest=config.get("shortest", 0))
        return ModelMetadata(
            architecture=settings.arch,
            preset=settings.preset,
            task=TaskMetadata(task.pop("name"), task),
            decision=decision,
            labels=tuple(config["classes"]),
            leads=tuple(config["leads"]),
            lead_order=tuple(config.get("lead_order", ())),
            units=config.get("units", "mV"),
            **window.to_metadata(),
            data=DataMetadata(Path(settings.data).name, config["fingerprint"]),
            seed=settings.seed,
            versions=installed_versions(),
        )
    except ValueError as error:
        raise InputError(f"{path}: no model file could state this: {error}") from None


def count_parts(dataset: Dataset, split: Mapping[str, Sequence[str]], every_label: bool) -> dict[str, dict[str, Any]]:
    """Count recordings, patients and labels of each part of a split, as plain data.

    Args:
        dataset: The data set.
        split: Part → names of its recordings.
        every_label: As in `count_recordings`.
    """
    by_name = {entry.name: entry for entry in dataset.entries}
    return {
        part: dataclasses.asdict(count_recordings([by_name[name] for name in names], every_label))
        for part, names in split.items()
    }


def describe_recordings(recordings: Recordings, settings: Config, split: dict[str, list[str]]) -> dict[str, Any]:
    """Describe the recordings that a model learns from, for predictions: their unit, and the length of the shortest.

    Args:
        recordings: The prepared data set.
        settings: The run's settings.
        split: Part → names of its recordings.

    Returns:
        {"units": …, "shortest": samples}, as in the metadata of an exported file.

    Raises:
        InputError: They have several units, and no step of the preprocessing scales every lead.
    """
    lengths = recordings.lengths[recordings.positions(split["train"])]
    window = settings.signal.window_spec()
    scaled = any(step["step"] in ("zscore", "scale_running") for step in [*window.steps, *window.window_steps])
    units = recordings.units or ("mV",)
    if len(units) > 1 and not scaled:
        raise InputError(
            f"the recordings of {settings.data} have several units ({', '.join(units)}): scale every lead with the "
            "setting signal.normalise=record or window, or leave out those of one unit"
        )
    return {"units": units[0] if len(units) == 1 else ANY_UNIT, "shortest": int(lengths.min()) if len(lengths) else 0}
