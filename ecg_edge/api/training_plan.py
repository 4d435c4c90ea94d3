"""What will be trained on what: settings resolved, data opened, prepared and split."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.data.dataset import SYNTHETIC, Dataset
from ecg_edge.data.recordings import Recordings
from ecg_edge.keras_backend import import_keras
from ecg_edge.records.folds import split_fold
from ecg_edge.records.identity import find_copies, merge_copies
from ecg_edge.records.split import describe_split, split
from ecg_edge.reporter import Reporter
from ecg_edge.signals.augmentation import Augmentation, load_noise
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.pretraining import PretrainingTask
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import Config, resolve
from firmware_bench.runtime.errors import InputError, unknown_name
from models_keras.registry import Architecture, find, names

SHOWN_WARNINGS = 10


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """What will be trained on what."""

    architecture: Architecture
    task_class: type[Task]
    settings: Config
    dataset: Dataset


def plan_training(arch, preset, data, leads, task, settings, epochs, seed, reporter: Reporter) -> TrainingPlan:
    """Resolve the settings and open the data."""
    if arch not in names():
        raise unknown_name("architecture", arch, names())
    import_keras("training")
    architecture = find(arch)
    served = (architecture.task, *architecture.other_tasks, PretrainingTask.name)
    if task is not None and task not in served:
        raise InputError(f"{arch} serves the task {' or '.join(served)}, not {task!r}")
    task_class: type[Task] = TASKS[task or architecture.task]
    fitting = architecture.other_tasks.get(task_class.name, {})
    assignments = [*(f"model.{key}={value}" for key, value in fitting.items()), *_list_assignments(settings)]
    if epochs is not None:
        assignments = [*assignments, f"training.epochs={epochs}"]
    chosen = tuple(leads) if leads else None
    name = SYNTHETIC if data is None else str(data)
    config = resolve(architecture, task_class.Options, preset, name, chosen, seed, assignments)

    if data is None:
        reporter.message(
            "no data are named: training on the embedded synthetic ECG, whose results say nothing about patients"
        )
    dataset = Dataset.open(config.data, task_class, config.leads)
    if make_augmentation(config).changes_windows and not dataset.leads:
        raise InputError(f"augmentation changes signals, and the task {task_class.name} reads none")
    if config.augmentation.mixup and task_class.loss is None:
        raise InputError(f"augmentation.mixup mixes labels, and the task {task_class.name} has none")
    return TrainingPlan(architecture, task_class, config, dataset)


def list_arguments(
    arch: str,
    preset: str,
    data: str | Path | None,
    leads: Sequence[str] | None,
    task: str | None,
    settings: Mapping[str, Any] | Sequence[str],
    epochs: int | None,
    seed: int,
    fold: tuple[int, int] | None,
) -> list[str]:
    """List the words of `ecg-edge train` that state these arguments, which are those of `create_run`."""
    given = {"--arch": arch, "--preset": preset, "--data": data, "--leads": ",".join(leads) if leads else None,
             "--task": task, "--epochs": epochs, "--seed": seed, "--folds": fold[1] if fold else None}  # fmt: skip
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    return words + [word for assignment in _list_assignments(settings) for word in ("--set", assignment)]


def _list_assignments(settings: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Settings as the command line takes them: "section.key=value"."""
    if not isinstance(settings, Mapping):
        return list(settings)
    return [f"{key}={value}" for key, value in settings.items()]


def check_settings(
    arch: str,
    preset: str = "paper",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    task: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    seed: int = 0,
) -> None:
    """Check the arguments of `train`, which these are, against the data; a run of initial weights may be absent.

    Args:
        arch: The architecture.
        preset: Its preset.
        data: The recordings.
        leads: The leads to use.
        task: The task.
        settings: Settings by their dotted names.
        epochs: At most so many epochs.
        seed: The seed.

    Raises:
        InputError: One of them is wrong.
    """
    plan_training(arch, preset, data, leads, task, settings, epochs, seed, Reporter())


def split_recordings(
    plan: TrainingPlan, recordings: Recordings | None, reporter: Reporter, fold: tuple[int, int] | None = None
) -> dict[str, list[str]]:
    """Split the data, or what a fold of a cross-validation has of them, and report it.

    What recordings contain and which are copies of others is known once they are `recordings`, prepared; without, the
    split may differ.
    """
    entries, contents = plan.dataset.entries, None
    if recordings:
        copies = find_copies(entries, recordings.digests)
        entries, contents = merge_copies(entries, copies), plan.task_class.count_contents(recordings)
        if copies:
            copy, original = next(iter(copies.items()))
            reporter.message(
                f"{len(copies)} recordings have the signal of another one (first: {copy} of {original}): no copies "
                f"are on two sides of the split; {len(plan.dataset.entries) - len(entries)} are left out"
            )
    parts = split(entries, plan.settings.seed, strict=not plan.task_class.published_split, contents=contents)
    if fold:
        parts = split_fold(entries, parts, fold, plan.settings.seed, contents)
        available = set(itertools.chain(*parts.values()))
        entries = [entry for entry in entries if entry.name in available]
        reporter.message(f"fold {fold[0]} of {fold[1]}: the held-out recordings are the run's test part")
    unique = dataclasses.replace(plan.dataset, entries=entries)
    _report_plan(plan.settings, unique, parts, plan.task_class.output == "labels", reporter)
    return parts


def _report_plan(config: Config, dataset: Dataset, parts, every_label: bool, reporter: Reporter) -> None:
    """Report what will be trained on what."""
    signal = config.signal
    for line in dataset.summarise(parts, every_label).describe():
        reporter.message(line)
    reporter.message(describe_split(dataset.entries, config.seed))
    leads = " ".join(dataset.leads) or "none, annotations only"
    reporter.message(f"leads {leads}; windows of {signal.window_s:g} s at {signal.fs:g} Hz: {signal.samples} samples")


def prepare_recordings(dataset: Dataset, task_class: type[Task], settings: Config, reporter: Reporter) -> Recordings:
    """Prepare the data set's recordings; report how many were repaired or could not be read."""
    window = settings.signal.window_spec()
    recordings = dataset.recordings(
        task_class,
        window,
        reporter.advance("preparing recordings"),
        lambda: reporter.message("waiting for another process, which is preparing the same recordings"),
    )
    for name, reason in recordings.problems.items():
        reporter.message(f"warning: left out {name}: {reason}")
    if recordings.problems:
        reporter.message(
            f"warning: {len(recordings.problems)} of {len(recordings.entries)} recordings could not be read"
        )
    for name, remark in itertools.islice(recordings.warnings.items(), SHOWN_WARNINGS):
        reporter.message(f"warning: {name}: {remark}")
    if len(recordings.warnings) > SHOWN_WARNINGS:
        reporter.message(
            f"warning: {len(recordings.warnings)} of {len(recordings.entries)} recordings have such amplitudes: "
            f"ecg-edge data check {settings.data} names all"
        )
    for note, count in recordings.notes.items():
        if count:
            reporter.message(f"{count} {note}")
    return recordings


def make_augmentation(settings: Config) -> Augmentation:
    """Make the augmentation of a run. Raises InputError: it needs noise, and nstdb is not there."""
    window, config = settings.signal.window_spec(), settings.augmentation
    noise = load_noise(window.steps) if config.noise else ()
    return Augmentation(config, noise, window.window_steps, window.fs)
