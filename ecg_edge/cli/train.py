"""ecg-edge train: from recordings to a run folder with a trained model."""

from pathlib import Path

import click

from ecg_edge import console
from firmware_bench.runtime.errors import InputError


@click.command()
@click.option("--arch", metavar="NAME", help="The architecture; ecg-edge archs lists them.")
@click.option("--preset", default="paper", show_default=True, help="paper, edge or tiny.")
@click.option("--task", metavar="NAME", help="One that the architecture also serves. Without it: that of its source.")
@click.option("--data", metavar="DB|DIR", help="A database's name or a folder. Without it: the embedded synthetic ECG.")
@click.option("--leads", metavar="I,II,…", help="The leads to use, by name. Without it: all that the recordings have.")
@click.option("--epochs", type=int, help="At most so many epochs: the same as --set training.epochs=N.")
@click.option("--init", metavar="RUN", help="Start from its weights where they fit: --set training.init=RUN.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; may be repeated.")
@click.option(
    "--run", "folder", type=click.Path(path_type=Path), help="The run's folder. Default: runs/NAME-DATA-TIME."
)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Train the stages that it states.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Continue an interrupted run.")
@click.option("--seed", default=0, show_default=True, help="Decides the split, the first weights and the order.")
@click.option("--folds", type=int, help="Cross-validate: train so many folds, give the same command again to continue.")
@click.option("--dry-run", is_flag=True, help="Show what would be trained, take one step, write nothing.")
def command(arch, preset, task, data, leads, epochs, init, assignments, folder, config, resume, seed, folds, dry_run):
    """Train an architecture on recordings.

    \b
    Examples:
      ecg-edge train --arch cnn_att_bilstm --preset tiny
      ecg-edge train --arch cnn_att_bilstm --data cinc2017 --set signal.window_s=30 --set signal.normalise=record
      ecg-edge train --arch cnn_att_bilstm --data ~/recordings --leads I --dry-run
      ecg-edge train --arch cnn_att_bilstm --data cinc2017 --folds 5
      ecg-edge train --arch cnn_att_bilstm --data ~/recordings --init runs/cinc2017
      ecg-edge train --config af.toml
      ecg-edge train --resume runs/cnn_att_bilstm-cinc2017-20260101-120000
    """
    if [bool(arch), bool(resume), bool(config)].count(True) != 1:
        raise InputError("name either --arch to start a run, --config to train stages, or --resume to continue a run")
    given = {"--task": task, "--data": data, "--leads": leads, "--epochs": epochs, "--init": init, "--set": assignments,
             "--run": folder, "--folds": folds, "--dry-run": dry_run}  # fmt: skip
    if refused := [name for name, value in given.items() if value and (resume or (config and name != "--run"))]:
        raise InputError(
            f"{'--resume' if resume else '--config'} takes the settings stated there: leave out {refused[0]}"
        )
    from ecg_edge.api import cross_validation, staged_training, training_run
    from ecg_edge.api.dry_run import try_training_step
    from ecg_edge.evaluation_tables import print_tables

    assignments = [*assignments, *([f"training.init={init}"] if init else [])]
    arguments = arch, preset, data, console.split_names(leads), task, assignments, epochs
    with console.reporting() as reporter:
        if dry_run:
            try_training_step(*arguments, seed, reporter)
            console.log("dry run: nothing was written; leave out --dry-run to train")
            return
        if folds is not None:
            result = cross_validation.cross_validate(*arguments, folder, seed, folds, reporter)
            print_tables(result.values)
            console.log(f"written to {result.path}")
            return
        if config:
            run = staged_training.train_stages(config, folder, reporter)[-1]
        elif resume:
            run = training_run.resume(resume, reporter)
        else:
            run = training_run.train(*arguments, folder, seed, reporter)
    console.log(f"next: ecg-edge evaluate {run.path}")
