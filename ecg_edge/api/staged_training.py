"""Several trainings one after another, each from the weights of the one before, as a TOML file states them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.api.training_plan import check_settings
from ecg_edge.api.training_run import TrainingInterrupted, create_run, train_run
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.run_folder import hold_folder, keep_arguments, refuse_existing
from firmware_bench.runtime.errors import InputError, unknown_name

# Key → its type: the options of ecg-edge train, for all stages or in a stage.
KINDS: dict[str, type] = {
    "arch": str,
    "preset": str,
    "task": str,
    "data": str,
    "leads": list,
    "epochs": int,
    "seed": int,
    "set": dict,
}
NAME = re.compile(r"[A-Za-z0-9][\w-]*")


def train_stages(file: str | Path, folder: str | Path | None = None, reporter: Reporter | None = None) -> list[Run]:
    """Train the stages of a TOML file.

    Each [[stage]] has a name and states arch, preset, task, data, leads, epochs, seed and set, the settings by section,
    as `train` takes them; what stands above the first stage holds for all. A stage starts from the weights of the one
    before, the first from fresh ones, unless its set.training.init says otherwise ("none": fresh ones). An interrupted
    training continues when it is called again; finished stages are not trained again.

    Args:
        file: The TOML file.
        folder: Holds the run of each stage under its name; None: runs/NAME-OF-THE-FILE.
        reporter: Receives messages and progress.

    Returns:
        The trained runs, in the order of the stages.

    Raises:
        InputError: The file is damaged, a setting of a stage is wrong, which is found before any training, or the
            folder holds the runs of other stages.
        TrainingInterrupted: Ctrl-C; another call continues.

    Examples:
        >>> pretrained, tuned = ecg_edge.train_stages("af.toml")
    """
    reporter, file = reporter or Reporter(), Path(file)
    path = Path(folder) if folder else Path("runs") / file.stem
    stages = read_stages(file, path)
    for name, arguments in stages.items():
        try:
            check_settings(**arguments)
        except InputError as error:
            raise InputError(f"{file}, stage {name}: {error}") from None
    refuse_existing(path)
    path.mkdir(parents=True, exist_ok=True)
    with hold_folder(path):
        keep_arguments(path, stages)
        try:
            return [_train_stage(path / name, arguments, reporter) for name, arguments in stages.items()]
        except TrainingInterrupted:
            raise TrainingInterrupted("interrupted; give the same command again to continue") from None


def _train_stage(folder: Path, arguments: Mapping[str, Any], reporter: Reporter) -> Run:
    """Train a stage, unless it is finished."""
    reporter.message(f"stage {folder.name}: {folder}")
    finished = folder / "finished"
    if finished.exists():
        return Run(folder)
    existing = (folder / "config.json").exists()
    run = Run(folder) if existing else create_run(**arguments, folder=folder, reporter=reporter)
    run = train_run(run, reporter)
    finished.touch()
    return run


def read_stages(file: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Read the stages of a TOML file.

    Args:
        file: The file.
        folder: Holds the runs.

    Returns:
        Name of the stage → arguments of `train`, in order.

    Raises:
        InputError: The file cannot be read, or a key is unknown, missing or of another type.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} cannot be read as TOML: {error}") from None
    stages = values.pop("stage", None)
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, dict) for stage in stages):
        raise InputError(f"{file} has no stages: begin each with [[stage]] and a name")
    shared, found = _check(values, f"{file}"), {}
    for number, stage in enumerate(stages, start=1):
        name = stage.pop("name", None)
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in found:
            raise InputError(f"{file}, stage {number}: a name of letters, digits, - and _, and of its own, is missing")
        own = _check(stage, f"{file}, stage {name}")
        settings = _flatten(shared.get("set", {})) | _flatten(own.get("set", {}))
        if found:
            settings = {"training.init": str(folder / next(reversed(found)))} | settings
        found[name] = {"arch": None, "preset": "paper", **shared, **own, "settings": settings}
        found[name].pop("set", None)
        if found[name]["arch"] is None:
            raise InputError(f"{file}, stage {name}: arch is missing")
    return found


def _check(values: dict[str, Any], place: str) -> dict[str, Any]:
    """The values. Raises InputError: one has an unknown key or another type."""
    for key, value in values.items():
        if key not in KINDS:
            raise InputError(f"{place}: {unknown_name('key', key, KINDS)}")
        if not isinstance(value, KINDS[key]) or isinstance(value, bool):
            raise InputError(f"{place}: {key} is {value!r}: a {KINDS[key].__name__} is needed")
        if key == "leads" and not all(isinstance(lead, str) for lead in value):
            raise InputError(f"{place}: leads is a list of names")
    return values


def _flatten(table: Mapping[str, Any], above: Sequence[str] = ()) -> dict[str, Any]:
    """{"training": {"batch": 16}} → {"training.batch": 16}."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        names = (*above, key)
        flat |= _flatten(value, names) if isinstance(value, dict) else {".".join(names): value}
    return flat
