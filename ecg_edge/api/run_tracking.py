"""A run in TensorBoard or MLflow: settings, one value per epoch, the metrics of its evaluations."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecg_edge.extras import require
from ecg_edge.run import Run
from firmware_bench.runtime.errors import InputError, unknown_name

FILES = ("config.json", "split.json", "history.csv")  # kept with the run in MLflow, beside evaluations and exports
SECTIONS = ("model", "task", "signal", "training", "augmentation")


def track(run: Run | Path | str, service: str) -> str:
    """Write a trained run to TensorBoard or MLflow. Needs the extra [tracking].

    Give it again after an evaluation or an export: TensorBoard's log is written anew, MLflow gets another run.

    Args:
        run: The run.
        service: "tensorboard": event files in the run's own folder, tensorboard/. "mlflow": the server or the database
            that MLFLOW_TRACKING_URI names, in the experiment ecg-edge or that of MLFLOW_EXPERIMENT_NAME.

    Returns:
        Where it is: the folder for `tensorboard --logdir`, or the address of MLflow's server and the run's number.

    Raises:
        InputError: There is no such run or service, the packages are missing, or MLflow cannot be reached.

    Examples:
        >>> ecg_edge.track("runs/mine", "tensorboard")
        'runs/mine/tensorboard'
    """
    services: dict[str, Callable[[Run], str]] = {"tensorboard": _write_tensorboard, "mlflow": _write_mlflow}
    if service not in services:
        raise unknown_name("service", service, services)
    require("tracking", "tracking")
    return services[service](run if isinstance(run, Run) else Run(run))


def _write_tensorboard(run: Run) -> str:
    from tensorboardX import SummaryWriter

    folder = run.path / "tensorboard"
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        for epoch, values in _read_history(run):
            for name, value in values.items():
                writer.add_scalar(name, value, epoch)
        for name, value in _read_metrics(run).items():
            writer.add_scalar(name, value)
        settings = "\n".join(f"    {name} = {value}" for name, value in _list_settings(run).items())
        writer.add_text("settings", settings)
    return str(folder)


def _write_mlflow(run: Run) -> str:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "ecg-edge"))
        with mlflow.start_run(run_name=run.path.name) as written:
            mlflow.log_params(_list_settings(run))
            for epoch, values in _read_history(run):
                mlflow.log_metrics(values, step=epoch)
            mlflow.log_metrics(_read_metrics(run))
            kept = [run.path / name for name in FILES]
            for file in [*kept, *sorted(run.path.glob("evaluation-*.json")), *sorted(run.path.glob("export/*.tflite"))]:
                if file.is_file():
                    mlflow.log_artifact(str(file))
    except MlflowException as error:
        first = str(error).splitlines()[0]
        raise InputError(f"MLflow at {mlflow.get_tracking_uri()}: {first}") from None
    return f"{mlflow.get_tracking_uri()} {written.info.run_id}"


def _list_settings(run: Run) -> dict[str, Any]:
    """Dotted name → setting."""
    config = run.config
    general = {name: config[name] for name in ("arch", "preset", "data", "leads", "seed")}
    return general | {f"{part}.{name}": value for part in SECTIONS for name, value in config.get(part, {}).items()}


def _read_history(run: Run) -> list[tuple[int, dict[str, float]]]:
    """The epochs with their values, those that are numbers."""
    file = run.path / "history.csv"
    if not file.exists():
        raise InputError(f"{run.path} has no history: it was never trained")
    with open(file, newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    try:
        return [(int(row.pop("epoch")), {name: float(value) for name, value in row.items() if value}) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{file} is damaged") from None


def _read_metrics(run: Run) -> dict[str, float]:
    """EVALUATION/METRIC → value of every evaluation of the run; those that are defined."""
    found = {}
    for file in sorted(run.path.glob("evaluation-*.json")):
        for name, estimate in json.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(estimate, dict) and isinstance(estimate.get("value"), (int, float)):
                found[f"{file.stem.removeprefix('evaluation-')}/{name}"] = float(estimate["value"])
    return found
