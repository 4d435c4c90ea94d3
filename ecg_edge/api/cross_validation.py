"""k-fold cross-validation: every patient outside the test part is predicted by a model that has not seen them."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.run_evaluation import EvaluationResult
from ecg_edge.api.training_run import TrainingInterrupted, create_run, train_run
from ecg_edge.data.dataset import SYNTHETIC
from ecg_edge.evaluation.bootstrap import RESAMPLES
from ecg_edge.evaluation.evaluator import evaluate_summaries
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.run_folder import hold_folder, keep_arguments, refuse_existing
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import Task
from firmware_bench.runtime.files import atomic_write, write_json

HELD_OUT = "held-out.npy"  # in the folder of a fold: the summaries of its held-out examples


def cross_validate(
    arch: str,
    preset: str = "paper",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    task: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    folds: int = 5,
    reporter: Reporter | None = None,
) -> EvaluationResult:
    """Train one run for each fold and evaluate the predictions of all held-out recordings together.

    The test part of the data is in no part of any fold. Patients of the other parts are divided into folds, stratified
    by class. Each fold is a run of its own, FOLDER/fold-1 and so on, whose test part is the held-out fold; a tenth of
    the other patients validates. An interrupted cross-validation continues when it is called again with the same
    arguments; finished folds are not trained again. Thresholds and temperature of the pooled figures are the means of
    those that the folds have chosen on their validation parts.

    Args:
        arch: As for `train`, like all arguments up to `epochs`.
        preset: "paper", "edge" or "tiny".
        data: The recordings.
        leads: The leads to use.
        task: The task.
        settings: Settings by their dotted names.
        epochs: At most so many epochs for each fold.
        folder: Where the folds are; None: runs/ARCH-DATA-foldsN.
        seed: Decides the test part, the folds, the initial weights and the order of the examples.
        folds: Number of folds.
        reporter: Receives messages and progress.

    Returns:
        The pooled metrics with 95 % intervals by bootstrap over patients, in FOLDER/cross-validation.json; under
        "folds" those of each fold.

    Raises:
        InputError: As for `train`; or there are fewer patients than folds, or the folder holds other ones.
        TrainingInterrupted: Ctrl-C; another call continues.

    Examples:
        >>> result = ecg_edge.cross_validate("cnn_att_bilstm", data="cinc2017", folds=5)
        >>> result.metrics["macro_f1"]
        MetricEstimate(value=0.79, low=0.78, high=0.81)
    """
    reporter = reporter or Reporter()
    path = Path(folder) if folder else Path("runs") / f"{arch}-{Path(data or SYNTHETIC).name}-folds{folds}"
    assignments = [f"{key}={value}" for key, value in settings.items()] if isinstance(settings, Mapping) else settings
    create = functools.partial(
        create_run, arch, preset, data, leads, task, assignments, epochs, seed=seed, reporter=reporter
    )
    refuse_existing(path)
    path.mkdir(parents=True, exist_ok=True)
    with hold_folder(path):
        keep_arguments(path, [create.args, seed, folds])
        try:
            runs = [_train_fold(path, create, (number, folds), reporter) for number in range(1, folds + 1)]
        except TrainingInterrupted:
            raise TrainingInterrupted("interrupted; give the same command again to continue") from None
        return _pool(path, runs, reporter)


def _train_fold(path: Path, create: Callable[..., Run], fold: tuple[int, int], reporter: Reporter) -> Run:
    """Train the run of a fold, unless it is finished, and predict its held-out recordings."""
    folder = path / f"fold-{fold[0]}"
    reporter.message(f"fold {fold[0]} of {fold[1]}: {folder}")
    existing = (folder / "config.json").exists()
    run = Run(folder) if existing else create(folder=folder, fold=fold)
    if (folder / HELD_OUT).exists():
        return run
    run = train_run(run, reporter)
    _keep_held_out(run, reporter)
    return run


def _keep_held_out(run: Run, reporter: Reporter) -> None:
    """Predict the held-out recordings of a trained fold; the file of their summaries says that the fold is finished."""
    examples = run.examples("test")
    advance = reporter.counter("predicting the held-out recordings", len(examples))
    summaries = _main_task(run).predict(KerasPredictor(run.model()), examples, advance)
    with atomic_write(run.path / HELD_OUT) as temporary, open(temporary, "wb") as file:
        np.save(file, summaries)


def _pool(path: Path, runs: Sequence[Run], reporter: Reporter) -> EvaluationResult:
    """Evaluate the held-out predictions of all folds together, and of each fold by itself."""
    held_out = [np.load(run.path / HELD_OUT, allow_pickle=False) for run in runs]
    values = {
        "run": str(path),
        "model": "keras",
        "data": f"{Path(runs[0].settings.data).name}, {len(runs)} folds held out in turn",
        **pool_folds(runs, held_out, reporter),
    }
    write_json(path / "cross-validation.json", values)
    return EvaluationResult(values, path / "cross-validation.json")


def pool_folds(runs: Sequence[Run], held_out: Sequence[np.ndarray], reporter: Reporter) -> dict[str, Any]:
    """Evaluate what the folds say of their held-out recordings, together and each fold by itself.

    Args:
        runs: Of the folds.
        held_out: For each, the summaries of the examples of its test part.
        reporter: Receives progress.

    Returns:
        Plain data: the pooled metrics with 95 % intervals; under "folds" those of each; under "decision" thresholds and
        temperature of the pooled ones, the means of the folds' own.
    """
    first, task = runs[0], _main_task(runs[0])
    window, score = first.settings.signal.window_spec(), first.dataset.database.challenge_score
    recordings = first.recordings()
    resampled = reporter.counter("resampling patients", RESAMPLES * (len(runs) + 1))
    examples = task.examples(recordings, [name for run in runs for name in run.split["test"]], window)
    pooled = np.zeros((len(examples), *held_out[0].shape[1:]), held_out[0].dtype)
    rows = []
    for run, summaries in zip(runs, held_out, strict=True):
        own = task.examples(recordings, run.split["test"], window)
        pooled[np.isin(examples.records, own.records)] = summaries
        rows.append({"fold": run.path.name, **evaluate_summaries(_main_task(run), summaries, own, score, 1, resampled)})
    decisions = [_main_task(run).decision for run in runs]
    task.decision = {name: np.mean([each[name] for each in decisions], axis=0).tolist() for name in decisions[0]}
    values = evaluate_summaries(task, pooled, examples, score, 1, resampled)
    return {**values, "folds": rows, "decision": task.decision}


def _main_task(run: Run) -> Task:
    """The run's task as it is evaluated first."""
    return next(iter(run.task.variants().values()))
