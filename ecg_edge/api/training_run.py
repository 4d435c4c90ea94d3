"""From recordings to a run: create, train, resume."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge import interrupts
from ecg_edge.api.distillation_teachers import (
    add_teaching,
    average_teachers,
    check_teachers,
    keep_teachers,
    open_teachers,
)
from ecg_edge.data.dataset import SYNTHETIC, Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.embedding import BeatEmbedder
from ecg_edge.keras_backend import import_keras
from ecg_edge.records.folds import split_fold
from ecg_edge.records.identity import find_copies, merge_copies
from ecg_edge.records.split import describe_split, split
from ecg_edge.records.summary import describe_counts
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run, attach_embedder, build_model
from ecg_edge.run_folder import claim_folder, hold_folder, refuse_existing
from ecg_edge.signals.augmentation import Augmentation, load_noise
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.calibrated_probabilities import choose_decision
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import Config, resolve
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import write_json
from models_keras.registry import Architecture, find, names

SHOWN_WARNINGS = 10
LEAST_COPIED_SHARE = 0.1  # of the parameters: biases alone happen to fit


class TrainingInterrupted(Exception):
    """Training was interrupted (Ctrl-C); the message names the command that continues it. Exit status 130."""

    exit_status = 130


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What will be trained on what."""

    architecture: Architecture
    task_class: type[Task]
    settings: Config
    dataset: Dataset


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
    plan = _plan(arch, preset, data, leads, task, settings, epochs, seed, reporter)
    task_class, options = plan.task_class, plan.task_class.Options(**plan.settings.task)
    with claim_folder(named, arch, plan.settings.data) as path:
        recordings = _prepare(plan.dataset, task_class, plan.settings, reporter)
        parts = _split(plan, recordings, reporter, fold)
        # All folds predict the same classes, or their predictions could not be pooled.
        learnt = itertools.chain(*parts.values()) if fold else parts["train"]
        classes = task_class.find_classes(plan.dataset, recordings, learnt)
        configured = task_class(classes, options)
        attach_embedder(configured, plan.settings)
        teachers = open_teachers(plan.settings.training.teachers)
        check_teachers(teachers, configured, plan.settings, plan.dataset.leads, recordings, parts["test"])
        keep_teachers(path, teachers)
        inherited = [teacher.identities for teacher in teachers]
        if plan.settings.training.init:
            source = Run(plan.settings.training.init)
            model = build_model(plan.architecture, plan.settings, configured, plan.dataset.leads)
            _warn_of_learnt_tests(source, plan.dataset, recordings, parts["test"], reporter)
            _copy_initial_weights(source, model, reporter)
        run = Run.create(path, configured, plan.settings, plan.dataset, parts, recordings, inherited)
    reporter.message(f"run folder: {run.path}")
    return run


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
    _plan(arch, preset, data, leads, task, settings, epochs, seed, Reporter())


def try_training_step(
    arch: str,
    preset: str = "paper",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    task: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> None:
    """Report what would be trained, and train one batch; nothing is written.

    Args:
        arch: As for `train`, like all arguments.
        preset: "paper", "edge" or "tiny".
        data: The recordings.
        leads: The leads to use.
        task: The task.
        settings: Settings by their dotted names.
        epochs: At most so many epochs.
        seed: The seed.
        reporter: Receives what would be trained.

    Raises:
        InputError: As for `train`.
    """
    reporter = reporter or Reporter()
    plan = _plan(arch, preset, data, leads, task, settings, epochs, seed, reporter)
    task_class, recipe = plan.task_class, plan.settings.training
    parts = _split(plan, None, reporter)
    window, names_of_batch = plan.settings.signal.window_spec(), parts["train"][: recipe.batch]
    recordings = plan.dataset.prepare_subset(task_class, window, names_of_batch)
    classes = task_class.find_classes(plan.dataset, recordings, names_of_batch)
    configured = task_class(classes, task_class.Options(**plan.settings.task))
    attach_embedder(configured, plan.settings, dry_run=True)
    examples = configured.examples(recordings, names_of_batch, window, training=True)
    if teachers := open_teachers(recipe.teachers):
        check_teachers(teachers, configured, plan.settings, plan.dataset.leads, recordings, ())
        examples = dataclasses.replace(examples, teaching=average_teachers(configured, teachers, examples, reporter))
    _train_one_batch(plan, configured, examples, reporter)


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
    recordings = _prepare(run.dataset, type(task), run.settings, reporter)
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
        _copy_initial_weights(run.initial, model, Reporter())
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


def make_augmentation(settings: Config) -> Augmentation:
    """Make the augmentation of a run. Raises InputError: it needs noise, and nstdb is not there."""
    window, config = settings.signal.window_spec(), settings.augmentation
    noise = load_noise(window.steps) if config.noise else ()
    return Augmentation(config, noise, window.window_steps, window.fs)


def _copy_initial_weights(source: Run, model, reporter: Reporter) -> None:
    """Start `model` from the weights of a run. Raises InputError: hardly any of them fits."""
    from ecg_edge.training.initial_weights import copy_weights

    copied = copy_weights(source.model(), model)
    if copied.share < LEAST_COPIED_SHARE:
        raise InputError(f"the weights of {source.path} do not fit: {copied.describe()}")
    reporter.message(f"initial weights of {source.path}: {copied.describe()}")


def _warn_of_learnt_tests(
    source: Run, dataset: Dataset, recordings: Recordings, names: Sequence[str], reporter: Reporter
) -> None:
    """Warn where recordings of the test part took part in training the run of the initial weights."""
    tested = set(names)
    entries = [entry for entry in dataset.entries if entry.name in tested]
    if shared := source.identities.find_shared(entries, recordings.digests):
        reporter.message(
            f"warning: {len(shared)} of {len(entries)} test recordings (first: {next(iter(shared))}) or their patients "
            f"took part in training {source.path}: an evaluation has to leave them out. Other databases there, or the "
            "same split, keep the test part whole"
        )


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
        self.reporter.message(
            f"epoch {row['epoch']}/{self.epochs}: loss {row['loss']:.4f}, validation loss "
            f"{row['validation_loss']:.4f}, {self.task.score_name} {row['validation_score']:.3f}, "
            f"rate {row['learning_rate']:.2g}, {row['seconds']:.0f} s"
        )


def _plan(arch, preset, data, leads, task, settings, epochs, seed, reporter: Reporter) -> _Plan:
    """Resolve the settings and open the data."""
    if arch not in names():
        raise unknown_name("architecture", arch, names())
    import_keras("training")
    architecture = find(arch)
    served = (architecture.task, *architecture.other_tasks)
    if task is not None and task not in served:
        raise InputError(f"{arch} serves the task {' or '.join(served)}, not {task!r}")
    task_class: type[Task] = TASKS[task or architecture.task]
    assignments = [f"{key}={value}" for key, value in settings.items()] if isinstance(settings, Mapping) else settings
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
    return _Plan(architecture, task_class, config, dataset)


def _split(
    plan: _Plan, recordings: Recordings | None, reporter: Reporter, fold: tuple[int, int] | None = None
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


def _train_one_batch(plan: _Plan, task: Task, examples: Examples, reporter: Reporter) -> None:
    """Build the model, train it on one batch and report its loss."""
    from ecg_edge.training.batches import Batches
    from ecg_edge.training.optimization import compile_model
    from export.convert.layer_forms import describe_forms
    from models_keras.layers.variational import start_epoch

    settings, recipe = plan.settings, plan.settings.training
    model = build_model(plan.architecture, settings, task, plan.dataset.leads)
    augmentation = make_augmentation(settings)
    compile_model(model, task, recipe, mixed=bool(augmentation.config.mixup))
    start_epoch(model, 1)
    batches = Batches(task, examples, None, recipe.batch, augmentation)  # a batch may lack a class
    batches.shuffle(settings.seed, 0)
    value = model.train_on_batch(*batches[0])
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    value = value[0] if isinstance(value, list) else value
    reporter.message(f"classes {' '.join(task.classes)}")
    reporter.message(f"{settings.arch}: {trainable:,} trainable parameters; loss of one batch {float(value):.3f}")
    for form, obstacle in describe_forms(model, bool(task.autoregressive_inputs)).items():
        reporter.message(f"export as {form}: {obstacle or 'yes'}")


def _choose_decision(run: Run, validation: Examples) -> None:
    """Choose the task's thresholds and the temperature on the validation part, with the trained model; store them."""
    task = run.task
    decision = choose_decision(task, task.predict(KerasPredictor(run.model()), validation), validation)
    if decision:
        write_json(run.path / "decision.json", decision)


def _prepare(dataset: Dataset, task_class: type[Task], settings: Config, reporter: Reporter) -> Recordings:
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
