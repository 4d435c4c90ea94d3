"""From recordings to a run: create, train, resume."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge import interrupts
from ecg_edge.api.distillation_teachers import (
    add_teaching,
    check_teachers,
    keep_teachers,
    open_teachers,
)
from ecg_edge.api.initial_run import copy_initial_weights, warn_of_learnt_tests
from ecg_edge.api.training_plan import (
    list_arguments,
    make_augmentation,
    plan_training,
    prepare_recordings,
    split_recordings,
)
from ecg_edge.data.examples import Examples
from ecg_edge.embedding import BeatEmbedder
from ecg_edge.keras_backend import import_keras
from ecg_edge.records.summary import describe_counts
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run, attach_embedder, build_model
from ecg_edge.run_folder import claim_folder, hold_folder, refuse_existing
from ecg_edge.tasks.calibrated_probabilities import choose_decision
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import Task
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import write_json


class TrainingInterrupted(Exception):
    """Training was interrupted (Ctrl-C); the message names the command that continues it. Exit status 130."""

    exit_status = 130


def train(
    arch: str,
    preset: str = "paper",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    task: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Run:
    """Train an architecture on recordings. Needs Keras: the extra [train].

    Args:
        arch: The architecture; `ecg-edge archs` lists them.
        preset: "paper", "edge" or "tiny".
        data: A database's name or a folder of recordings; None: the embedded synthetic ECG.
        leads: The leads to use, by name; None: all that the recordings share.
        task: A task that the architecture serves; None: that of its source.
        settings: Settings by their dotted names, as {"training.batch": 16} or ["training.batch=16"].
        epochs: At most so many epochs: the same as the setting training.epochs.
        folder: The run's folder; None: runs/ARCH-DATA-TIME.
        seed: Decides the split, the initial weights and the order of the examples.
        reporter: Receives messages and progress.

    Returns:
        The trained run.

    Raises:
        InputError: Something named does not exist, recordings cannot serve, or `folder` holds a run.
        TrainingInterrupted: Ctrl-C; `resume` continues.

    Examples:
        >>> run = ecg_edge.train("cnn_att_bilstm", preset="tiny", data="cinc2017", leads=["I"])
        >>> ecg_edge.evaluate(run).metrics["macro_f1"].value
        0.71
    """
    run = create_run(arch, preset, data, leads, task, settings, epochs, folder, seed, reporter)
    return train_run(run, reporter)


def resume(run: Run | str | Path, reporter: Reporter | None = None) -> Run:
    """Continue an interrupted training with the run's own settings.

    Args:
        run: The run or its folder.
        reporter: Receives messages and progress.

    Returns:
        The trained run.

    Raises:
        InputError: The folder holds no run, its recordings have changed, or another process is training it.
        TrainingInterrupted: Ctrl-C; another call continues.

    Examples:
        >>> ecg_edge.resume("runs/cnn_att_bilstm-cinc2017-20260101-120000")
    """
    return train_run(run if isinstance(run, Run) else Run(run), reporter)


def create_run(
    arch: str,
    preset: str = "paper",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    task: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    reporter: Reporter | None = None,
    fold: tuple[int, int] | None = None,
) -> Run:
    """Create a run, its split and its configuration, without training it.

    Args:
        arch: As for `train`, like all arguments.
        preset: "paper", "edge" or "tiny".
        data: The recordings.
        leads: The leads to use.
        task: The task.
        settings: Settings by their dotted names.
        epochs: At most so many epochs.
        folder: The run's folder.
        seed: The seed.
        reporter: Receives messages and progress.
        fold: (number from 1, of so many) of a cross-validation, whose held-out recordings become the run's test part;
            None: the split of the data.

    Returns:
        The run, for `train_run`.

    Raises:
        InputError: As for `train`.
    """
    reporter = reporter or Reporter()
    named = Path(folder) if folder else None
    if named:
        refuse_existing(named)
    plan = plan_training(arch, preset, data, leads, task, settings, epochs, seed, reporter)
    task_class, options = plan.task_class, plan.task_class.Options(**plan.settings.task)
    source = Run(plan.settings.training.init) if plan.settings.training.init else None
    with claim_folder(named, arch, plan.settings.data) as path:
        recordings = prepare_recordings(plan.dataset, task_class, plan.settings, reporter)
        parts = split_recordings(plan, recordings, reporter, fold)
        # All folds predict the same classes, or their predictions could not be pooled.
        learnt = itertools.chain(*parts.values()) if fold else parts["train"]
        classes = task_class.find_classes(plan.dataset, recordings, learnt)
        configured = task_class(classes, options)
        attach_embedder(configured, plan.settings)
        teachers = open_teachers(plan.settings.training.teachers)
        check_teachers(teachers, configured, plan.settings, plan.dataset.leads, recordings, parts["test"])
        inherited = [teacher.identities for teacher in teachers]
        if source:
            model = build_model(plan.architecture, plan.settings, configured, plan.dataset.leads)
            warn_of_learnt_tests(source, plan.dataset, recordings, parts["test"], reporter)
            copy_initial_weights(source, model, configured.classes, reporter)
        keep_teachers(path, teachers)
        words = list_arguments(arch, preset, data, leads, task, settings, epochs, seed, fold)
        run = Run.create(path, configured, plan.settings, plan.dataset, parts, recordings, inherited, words)
    reporter.message(f"run folder: {run.path}")
    return run


def train_run(run: Run, reporter: Reporter | None = None) -> Run:
    """Train a run to the end of its recipe, from its last checkpoint where there is one.

    Args:
        run: The run.
        reporter: Receives messages and progress.

    Returns:
        The same run, its folder opened anew.

    Raises:
        InputError: There are no training or no validation examples, or another process is training the run.
        TrainingInterrupted: Ctrl-C; a later call continues.
    """
    reporter = reporter or Reporter()
    import_keras("training")
    interrupts.advice = f"continue with: ecg-edge train --resume {run.path}"
    try:
        with hold_folder(run.path):
            _train_to_the_end(run, reporter)
    except KeyboardInterrupt:
        raise TrainingInterrupted(f"interrupted; {interrupts.advice}") from None
    interrupts.advice = ""
    return Run(run.path)


def _train_to_the_end(run: Run, reporter: Reporter) -> None:
    from ecg_edge.training.loop import train as train_epochs

    window, task = run.settings.signal.window_spec(), run.task
    recordings = prepare_recordings(run.dataset, type(task), run.settings, reporter)
    recipe = run.settings.training
    if isinstance(task.embed_beats, BeatEmbedder):
        task.embed_beats.advance = reporter.advance("features of beats")
    training = task.examples(recordings, run.split["train"], window, training=True)
    validation = task.examples(recordings, run.split["validation"], window)
    if not len(training) or not len(validation):
        raise InputError(f"{len(training)} training and {len(validation)} validation examples: both need some")
    training = add_teaching(run, training, reporter)
    model = run.build()
    if run.initial:
        copy_initial_weights(run.initial, model, task.classes, Reporter())
    if task.annotated:
        for part, examples in (("train", training), ("validation", validation)):
            reporter.message(f"{part} examples: {describe_counts(count_targets(task.classes, examples.targets))}")
    steps = -(-len(training.draw_epoch(0, 0)) // recipe.batch)
    reporter.message(
        f"{len(training)} training examples, {len(validation)} validation examples, {steps} steps an epoch"
    )
    epochs = _EpochReports(task, recipe.epochs, steps, reporter)
    history = train_epochs(
        model,
        task,
        training,
        validation,
        recipe,
        run.settings.seed,
        run.path,
        epochs.finish_step,
        epochs.finish_epoch,
        make_augmentation(run.settings),
    )
    best = min(history, key=lambda row: row["validation_loss"])
    reporter.message(
        f"lowest validation loss {best['validation_loss']:.4f} after epoch {best['epoch']} of {len(history)}"
    )
    kept = "the last epoch" if recipe.keep == "last" else f"the best epoch by validation {recipe.monitor}"
    reporter.message(f"model.keras: {kept}")
    _choose_decision(run, validation)


def count_targets(classes: Sequence[str], targets: np.ndarray) -> dict[str, int]:
    """Count the examples of each class; targets beyond the classes (fusion beats) are not counted."""
    return {name: int((targets == position).sum()) for position, name in enumerate(classes)}


class _EpochReports:
    """Reports the steps within an epoch and the figures at its end."""

    def __init__(self, task: Task, epochs: int, steps: int, reporter: Reporter):
        self.task, self.epochs, self.steps, self.reporter = task, epochs, steps, reporter
        self._done = 0

    def finish_step(self) -> None:
        self._done += 1
        self.reporter.progress("epoch", self._done, self.steps)

    def finish_epoch(self, row: dict) -> None:
        self._done = 0
        self.reporter.finish_epoch(row, self.epochs, self.task.score_name)


def _choose_decision(run: Run, validation: Examples) -> None:
    """Choose the task's thresholds and the temperature on the validation part, with the trained model; store them."""
    task = run.task
    decision = choose_decision(task, task.predict(KerasPredictor(run.model()), validation), validation)
    if decision:
        write_json(run.path / "decision.json", decision)
