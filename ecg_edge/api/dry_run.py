"""A dry run of a training: what would be trained, one batch, nothing written."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.distillation_teachers import (
    average_teachers,
    check_teachers,
    open_teachers,
)
from ecg_edge.api.initial_run import copy_initial_weights
from ecg_edge.api.training_plan import TrainingPlan, make_augmentation, plan_training, split_recordings
from ecg_edge.data.examples import Examples
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run, attach_embedder, build_model
from ecg_edge.tasks.task import Task


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
    plan = plan_training(arch, preset, data, leads, task, settings, epochs, seed, reporter)
    task_class, recipe = plan.task_class, plan.settings.training
    parts = split_recordings(plan, None, reporter)
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


def _train_one_batch(plan: TrainingPlan, task: Task, examples: Examples, reporter: Reporter) -> None:
    """Build the model, train it on one batch and report its loss."""
    from ecg_edge.training.batches import Batches
    from ecg_edge.training.optimization import compile_model
    from export.convert.layer_forms import describe_forms
    from models_keras.layers.variational import start_epoch

    settings, recipe = plan.settings, plan.settings.training
    model = build_model(plan.architecture, settings, task, plan.dataset.leads)
    if recipe.init:
        copy_initial_weights(Run(recipe.init), model, task.classes, reporter)
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
