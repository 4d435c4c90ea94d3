"""ecg-edge train: from recordings to a run folder with a trained model."""

from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError, unknown_name


@click.command()
@click.option("--arch", metavar="NAME", help="The architecture; ecg-edge archs lists them.")
@click.option("--preset", default="paper", show_default=True, help="paper, edge or tiny.")
@click.option("--task", metavar="NAME", help="One that the architecture also serves. Without it: that of its source.")
@click.option("--data", metavar="DB|DIR", help="A database's name or a folder. Without it: the embedded synthetic ECG.")
@click.option("--leads", metavar="I,II,…", help="The leads to use, by name. Without it: all that the recordings have.")
@click.option("--epochs", type=int, help="At most so many epochs: the same as --set training.epochs=N.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; may be repeated.")
@click.option(
    "--run", "folder", type=click.Path(path_type=Path), help="The run's folder. Default: runs/NAME-DATA-TIME."
)
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Continue an interrupted run.")
@click.option("--seed", default=0, show_default=True, help="Decides the split, the first weights and the order.")
@click.option("--dry-run", is_flag=True, help="Show what would be trained, take one step, write nothing.")
def command(arch, preset, task, data, leads, epochs, assignments, folder, resume, seed, dry_run):
    """Train an architecture on recordings.

    \b
    Examples:
      ecg-edge train --arch cnn_att_bilstm --preset tiny
      ecg-edge train --arch cnn_att_bilstm --data cinc2017 --set signal.window_s=30 --set signal.normalise=record
      ecg-edge train --arch cnn_att_bilstm --data ~/recordings --leads I --dry-run
      ecg-edge train --resume runs/cnn_att_bilstm-cinc2017-20260101-120000
    """
    if bool(arch) == bool(resume):
        raise InputError("name either --arch to start a run or --resume to continue one")
    if resume:
        run = continued(
            resume,
            given={
                "--task": task,
                "--data": data,
                "--leads": leads,
                "--epochs": epochs,
                "--set": assignments,
                "--run": folder,
                "--dry-run": dry_run,
            },
        )
    else:
        run = started(arch, preset, data, leads, epochs, assignments, folder, seed, dry_run, task)
    if run:
        carry_out(run)


def continued(path: Path, given: dict):
    """The run in `path`, whose own settings hold: any other given option is an error."""
    from ecg_edge.run import Run

    for option, value in given.items():
        if value:
            raise InputError(f"--resume continues with the run's own settings: leave out {option}")
    return Run(path)


def started(arch, preset, data, leads, epochs, assignments, folder, seed, dry_run, task_name=None):
    """A new run folder; after a dry run, None."""
    from ecg_edge.data.dataset import SYNTHETIC, Dataset
    from ecg_edge.evaluation.embedding import attach
    from ecg_edge.records.split import left_out, split
    from ecg_edge.run import Run, new_path
    from ecg_edge.tasks import TASKS
    from ecg_edge.training.config import resolve
    from models_keras.registry import find, names

    if arch not in names():
        raise unknown_name("architecture", arch, names())
    console.import_keras()
    architecture = find(arch)
    served = (architecture.task, *architecture.other_tasks)
    if task_name is not None and task_name not in served:
        raise InputError(f"{arch} serves the task {' or '.join(served)}, not {task_name!r}")
    kind = TASKS[task_name or architecture.task]
    if epochs is not None:
        assignments = [*assignments, f"training.epochs={epochs}"]
    chosen = tuple(lead.strip() for lead in leads.split(",")) if leads else None
    settings = resolve(architecture, kind.Options, preset, data or SYNTHETIC, chosen, seed, assignments)

    if data is None:
        console.say("no --data: training on the embedded synthetic ECG, whose results say nothing about patients")
    dataset = Dataset.open(settings.data, kind, settings.leads)
    parts = split(dataset.entries, seed, strict=not kind.published_split)
    describe(settings, dataset, parts, left_out(dataset.entries, parts))
    window, options = settings.signal.window_spec(), kind.Options(**settings.task)
    if dry_run:
        some = parts["train"][: settings.training.batch]
        recordings = dataset.prepare_subset(kind, window, some)
        task = kind(kind.find_classes(dataset, recordings, some), options)
        attach(task, settings, dry_run)
        one_step(architecture, settings, task, task.examples(recordings, some, window, training=True), dataset.leads)
        return None
    recordings = prepared(dataset, kind, window)
    task = kind(kind.find_classes(dataset, recordings, parts["train"]), options)
    attach(task, settings)
    run = Run.create(folder or new_path(arch, settings.data), task, settings, dataset, parts)
    console.say(f"run folder: {run.path}")
    return run


def describe(settings, dataset, parts, left_out) -> None:
    """What will be trained on what, to stderr."""
    signal = settings.signal
    counts = ", ".join(f"{len(names)} {part}" for part, names in parts.items())
    console.say(f"{dataset.database.title}: {len(dataset.entries)} recordings ({counts})")
    if dataset.unusable:
        console.say(
            f"{dataset.unusable} recordings are left out: without a known label, or in no part of the published split"
        )
    if left_out:
        console.say(f"left out, since their patients are in the training part too: {' '.join(left_out)}")
    leads = " ".join(dataset.leads) or "none, annotations only"
    console.say(f"leads {leads}; windows of {signal.window_s:g} s at {signal.fs:g} Hz: {signal.samples} samples")


def one_step(architecture, settings, task, examples, leads) -> None:
    """Builds the model and trains it on one batch; nothing is written."""
    import numpy as np

    from ecg_edge.run import build
    from ecg_edge.tasks.predictor import keras_inputs
    from ecg_edge.training.objective import loss, optimizer
    from models_keras.layers.variational import start_epoch

    recipe = settings.training
    model = build(architecture, settings, task, leads)
    model.compile(optimizer(recipe), loss=loss(task.output, recipe.label_smoothing))
    start_epoch(model, 1)
    batch = examples.draw_epoch(settings.seed, 0).subsample(recipe.batch)
    value = model.train_on_batch(keras_inputs(batch.batch(slice(None))), batch.targets)
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    value = value[0] if isinstance(value, list) else value
    console.say(f"classes {' '.join(task.classes)}")
    console.say(f"{settings.arch}: {trainable:,} trainable parameters; loss of one batch {float(value):.3f}")
    console.say("dry run: nothing was written; leave out --dry-run to train")


def carry_out(run) -> None:
    """Prepares the windows and trains until the recipe's end."""
    console.import_keras()
    from ecg_edge.training.loop import train

    window, task = run.settings.signal.window_spec(), run.task
    recordings = prepared(run.dataset, type(task), window)
    recipe = run.settings.training
    with console.progress() as bars:
        if task.embed_beats:
            bar = bars.add_task("features of beats", total=None)
            task.embed_beats.advance = lambda done, total: bars.update(bar, completed=done, total=total)
        training = task.examples(recordings, run.split["train"], window, training=True)
        validation = task.examples(recordings, run.split["validation"], window)
    if not len(training) or not len(validation):
        raise InputError(f"{len(training)} training and {len(validation)} validation examples: both need some")
    model = run.build()
    steps = -(-len(training.draw_epoch(0, 0)) // recipe.batch)
    console.say(f"{len(training)} training examples, {len(validation)} validation examples, {steps} steps an epoch")

    with console.progress() as bars:
        bar = bars.add_task("epoch", total=steps)

        def epoch_done(row):
            bars.reset(bar, description=f"epoch {row['epoch'] + 1}")
            console.say(
                f"epoch {row['epoch']}/{recipe.epochs}: loss {row['loss']:.4f}, validation loss "
                f"{row['validation_loss']:.4f}, {task.score_name} {row['validation_score']:.3f}, "
                f"rate {row['learning_rate']:.2g}, {row['seconds']:.0f} s"
            )

        try:
            history = train(
                model,
                task,
                training,
                validation,
                recipe,
                run.settings.seed,
                run.path,
                batch_done=lambda: bars.advance(bar),
                epoch_done=epoch_done,
            )
        except KeyboardInterrupt:
            raise InterruptedRun(f"interrupted; continue with: ecg-edge train --resume {run.path}") from None
    best = min(history, key=lambda row: row["validation_loss"])
    console.say(f"lowest validation loss {best['validation_loss']:.4f} after epoch {best['epoch']} of {len(history)}")
    console.say(f"kept: the {recipe.keep} epoch by validation {recipe.judge}")
    decide(run, validation)
    console.say(f"next: ecg-edge evaluate {run.path}")


def decide(run, validation) -> None:
    """Keeps what the task chooses on the validation part with the model that was kept."""
    from ecg_edge.tasks.predictor import KerasPredictor
    from firmware_bench.runtime.files import write_json

    task = run.task
    decision = task.choose_decision(task.predict(KerasPredictor(run.model()), validation), validation)
    if decision:
        write_json(run.path / "decision.json", decision)


def prepared(dataset, task, window):
    """The data set's recordings; says how many were repaired or could not be read."""
    with console.progress() as bars:
        bar = bars.add_task("preparing recordings", total=None)
        recordings = dataset.recordings(task, window, lambda done, total: bars.update(bar, completed=done, total=total))
    for name, reason in recordings.problems.items():
        console.say(f"warning: left out {name}: {reason}")
    if recordings.problems:
        console.say(f"warning: {len(recordings.problems)} of {len(recordings.entries)} recordings could not be read")
    for note, count in recordings.notes.items():
        if count:
            console.say(f"{count} {note}")
    return recordings


class InterruptedRun(Exception):
    """Ctrl-C while training; the message says how to go on."""

    exit_status = 130
