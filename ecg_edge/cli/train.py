"""ecg-edge train: from recordings to a run folder with a trained model."""

from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError, unknown


@click.command()
@click.option("--arch", metavar="NAME", help="The architecture; ecg-edge archs lists them.")
@click.option("--preset", default="paper", show_default=True, help="paper, edge or tiny.")
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
def command(arch, preset, data, leads, epochs, assignments, folder, resume, seed, dry_run):
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
                "--data": data,
                "--leads": leads,
                "--epochs": epochs,
                "--set": assignments,
                "--run": folder,
                "--dry-run": dry_run,
            },
        )
    else:
        run = started(arch, preset, data, leads, epochs, assignments, folder, seed, dry_run)
    if run:
        carry_out(run)


def continued(path: Path, given: dict):
    """The run in `path`, whose own settings hold: any other given option is an error."""
    from ecg_edge.run import Run

    for option, value in given.items():
        if value:
            raise InputError(f"--resume continues with the run's own settings: leave out {option}")
    return Run(path)


def started(arch, preset, data, leads, epochs, assignments, folder, seed, dry_run):
    """A new run folder; after a dry run, None."""
    from ecg_edge.records.split import split
    from ecg_edge.run import Run, new_path
    from ecg_edge.tasks.dataset import SYNTHETIC, Dataset
    from ecg_edge.training.config import resolve
    from models_keras.registry import find, names

    if arch not in names():
        raise unknown("architecture", arch, names())
    console.import_keras()
    architecture = find(arch)
    if epochs is not None:
        assignments = [*assignments, f"training.epochs={epochs}"]
    chosen = tuple(lead.strip() for lead in leads.split(",")) if leads else None
    settings = resolve(architecture, preset, data or SYNTHETIC, chosen, seed, assignments)

    if data is None:
        console.say("no --data: training on the embedded synthetic ECG, whose results say nothing about patients")
    dataset = Dataset.open(settings.data, settings.leads)
    parts = split(dataset.entries, seed)
    describe(settings, dataset, parts)
    if dry_run:
        one_step(architecture, settings, dataset, parts)
        return None
    path = folder or new_path(arch, settings.data)
    run = Run.create(path, architecture.task, settings, dataset, parts)
    console.say(f"run folder: {path}")
    return run


def describe(settings, dataset, parts) -> None:
    """What will be trained on what, to stderr."""
    signal = settings.signal
    counts = ", ".join(f"{len(names)} {part}" for part, names in parts.items())
    console.say(f"{dataset.database.title}: {len(dataset.entries)} labelled recordings ({counts})")
    if dataset.unlabelled:
        console.say(f"{dataset.unlabelled} recordings without a known label are left out")
    console.say(f"classes {' '.join(dataset.classes)}; leads {' '.join(dataset.leads)}")
    console.say(f"windows of {signal.window_s:g} s at {signal.fs:g} Hz: {signal.samples} × {len(dataset.leads)}")


def one_step(architecture, settings, dataset, parts) -> None:
    """Builds the model and trains it on one batch; nothing is written."""
    import keras
    import numpy as np

    from ecg_edge.signals.preprocessing import Preprocessing
    from ecg_edge.tasks import TASKS
    from ecg_edge.tasks.examples import record_windows

    signal, task = settings.signal, TASKS[architecture.task](dataset.classes)
    chosen = set(parts["train"][: settings.training.batch])
    entries = [entry for entry in dataset.entries if entry.name in chosen]
    steps = Preprocessing(signal.steps())
    windows = []
    for entry in entries:
        record = dataset.database.read(dataset.folder, entry)
        windows.append(record_windows(record, dataset.leads, steps, signal.samples, signal.stride)[0][0])

    keras.utils.set_random_seed(settings.seed)
    model = architecture.build(signal.samples, len(dataset.leads), len(dataset.classes), **settings.model)
    model.compile(keras.optimizers.Adam(settings.training.learning_rate), loss=task.loss)
    loss = model.train_on_batch(np.stack(windows), task.targets(entries))
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    console.say(f"{settings.arch}: {trainable:,} trainable parameters; loss of one batch {float(loss):.3f}")
    console.say("dry run: nothing was written; leave out --dry-run to train")


def carry_out(run) -> None:
    """Prepares the windows and trains until the recipe's end."""
    console.import_keras()
    from ecg_edge.training.loop import train

    windows = prepared(run)
    model = run.build()
    recipe, task = run.settings.training, run.task
    training = windows.examples(run.split["train"])
    validation = windows.examples(run.split["validation"])
    if not len(training) or not len(validation):
        raise InputError(f"{len(training)} training and {len(validation)} validation windows: both need some")
    steps = -(-len(training) // recipe.batch)
    console.say(f"{len(training)} training windows, {len(validation)} validation windows, {steps} steps an epoch")

    with console.progress() as bars:
        bar = bars.add_task("epoch", total=steps)

        def epoch_done(row):
            bars.reset(bar, description=f"epoch {row['epoch'] + 1}")
            console.say(
                f"epoch {row['epoch']}/{recipe.epochs}: loss {row['loss']:.4f}, validation loss "
                f"{row['validation_loss']:.4f}, macro F1 {row['validation_macro_f1']:.3f}, "
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
    console.say(f"kept: the {recipe.keep} epoch")
    console.say(f"next: ecg-edge evaluate {run.path}")


def prepared(run):
    """The run's windows; says how many recordings were repaired or could not be read."""
    with console.progress() as bars:
        bar = bars.add_task("preparing windows", total=None)
        windows = run.windows(lambda done, total: bars.update(bar, completed=done, total=total))
    for name, reason in windows.problems.items():
        console.say(f"warning: left out {name}: {reason}")
    if windows.problems:
        console.say(f"warning: {len(windows.problems)} of {len(windows.entries)} recordings could not be read")
    for note, count in windows.notes.items():
        if count:
            console.say(f"{count} {note}")
    return windows


class InterruptedRun(Exception):
    """Ctrl-C while training; the message says how to go on."""

    exit_status = 130
