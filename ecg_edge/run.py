"""A run is a folder that holds what is needed to repeat it and what came out of it.

config.json       the resolved configuration, classes, leads, versions, git commit, the data's fingerprint
split.json        part → names of its recordings
decision.json     what the task chose on the validation part (thresholds), where it chooses
history.csv       one row per epoch          checkpoint/      what --resume starts from
model.keras       the epoch that was kept    evaluation-*.json, export/, bench-*.json
"""

import datetime
import platform
import subprocess
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.evaluation.embedding import attach
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json, write_json

PACKAGES = ("ecg-edge", "tensorflow", "keras", "jax", "ai-edge-litert", "tflite-micro", "numpy", "scipy", "wfdb")


class Run:
    """An existing run folder. Raises InputError where it is none."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            self.config = read_json(self.path / "config.json")
            self.split = read_json(self.path / "split.json")
            self.settings = Config.from_dict(self.config)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"no {error.filename}" if isinstance(error, FileNotFoundError) else repr(error)
            raise InputError(f"{self.path} is not the folder of a run: {reason}") from None

    @classmethod
    def create(cls, path: Path, task: Task, settings: Config, dataset: Dataset, split: dict[str, list[str]]) -> "Run":
        """Writes config.json and split.json into the new folder `path`. Raises InputError if it holds a run."""
        if (path / "config.json").exists():
            raise InputError(f"{path} holds a run already: continue it with --resume, or name another folder")
        write_json(path / "split.json", split)
        plain = settings.to_dict()
        write_json(
            path / "config.json",
            {
                **plain,
                "task": {"name": task.name, **plain["task"]},
                "leads": list(dataset.leads),
                "classes": list(task.classes),
                "fingerprint": dataset.fingerprint(),
                "versions": versions(),
                "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
                "git_commit": git_commit(),
                "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            },
        )
        return cls(path)

    @cached_property
    def architecture(self):
        from models_keras.registry import find

        return find(self.settings.arch)

    @cached_property
    def task(self) -> Task:
        kind = TASKS[self.config["task"]["name"]]
        chosen = self.path / "decision.json"
        decision = read_json(chosen) if chosen.exists() else {}
        task = kind(self.config["classes"], kind.Options(**self.settings.task), decision)
        attach(task, self.settings)
        return task

    def build(self):
        """The model with fresh weights, seeded: a Keras model."""
        return build(self.architecture, self.settings, self.task, self.config["leads"])

    def model(self):
        """The trained Keras model. Raises InputError where training has not got that far."""
        import keras

        path = self.path / "model.keras"
        if not path.exists():
            raise InputError(f"{self.path} has no trained model yet: ecg-edge train --resume {self.path}")
        self.architecture  # noqa: B018  registers the layers that the file names
        try:
            return keras.models.load_model(path, compile=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None

    @cached_property
    def dataset(self) -> Dataset:
        """The data that the run was trained on. Raises InputError where it has changed since."""
        dataset = Dataset.open(self.config["data"], type(self.task), self.config["leads"])
        if dataset.fingerprint() != self.config["fingerprint"]:
            raise InputError(
                f"the recordings of {self.config['data']} are not those that {self.path} was trained on: "
                "their fingerprint differs; train a new run on them"
            )
        return dataset

    def recordings(self, advance: Callable[[int, int], None] = lambda done, total: None) -> Recordings:
        """The run's data, prepared."""
        return self.dataset.recordings(type(self.task), self.settings.signal.window_spec(), advance)

    def examples(self, part: str, advance: Callable[[int, int], None] = lambda done, total: None) -> Examples:
        """The examples of a part of the split: train (those to learn from), validation or test."""
        window = self.settings.signal.window_spec()
        return self.task.examples(self.recordings(advance), self.split[part], window, training=part == "train")


def build(architecture, settings: Config, task: Task, leads: Sequence[str]):
    """The architecture's Keras model for a task, with fresh weights by the settings' seed."""
    import keras

    keras.utils.set_random_seed(settings.seed)
    samples = task.input_length(settings.signal.window_spec())
    return architecture.build(samples, len(leads), len(task.classes), **settings.model)


def new_path(arch: str, data: str) -> Path:
    """runs/<arch>-<data>-<time>, a folder that does not exist yet."""
    time = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{arch}-{Path(data).name}-{time}"


def versions() -> dict[str, str]:
    """Installed versions of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of the code's checkout, with "+" where files differ from it; None outside one."""
    folder = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        changes = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=folder, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changes.stdout.strip() else "")
