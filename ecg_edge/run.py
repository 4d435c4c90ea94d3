"""A run is a folder that holds what is needed to repeat a training and what came out of it.

config.json       the resolved configuration, classes, leads, versions, Keras' backend, git commit, data fingerprint,
                  the words of ecg-edge train that repeat it; recordings, patients and labels of each part, counted
split.json        part → names of its recordings
identities.json   hashes of the people, recordings and signals of the train and validation part
embedder/         the run of the beat classifier whose features the model takes, where it takes some
teachers.json     the runs that the model is distilled from and their hashes; teachers-*.npy what they said
initial/          the run whose weights training started from, where it did not start from fresh ones
decision.json     thresholds that the task chose on the validation part, where it has some
history.csv       one row per epoch          checkpoint/      what resuming starts from
model.keras       the epoch that was kept    evaluation-*.json, and the scores of every unit in evaluation-*.npz
export/           exported files, each with the report of its export (.json)    bench-*.json, mcu-*.json
"""

import datetime
import functools
import platform
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.embedding import BeatEmbedder
from ecg_edge.keras_backend import import_keras
from ecg_edge.records.identity import Identities
from ecg_edge.run_description import count_parts, describe_model, describe_recordings
from ecg_edge.run_files import check_config, check_decision, check_keras_archive, check_split
from ecg_edge.run_folder import refuse_existing
from ecg_edge.software_versions import git_commit, installed_versions
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import read_json, write_json
from firmware_bench.runtime.metadata import ModelMetadata
from models_keras.registry import Architecture, find

if TYPE_CHECKING:
    import keras

EMBEDDER, INITIAL = "embedder", "initial"


class Run:
    """An existing run folder.

    Args:
        path: The folder.

    Attributes:
        config: config.json as it stands.
        settings: The same, typed.
        split: Part ("train", "validation", "test") → names of its recordings.

    Raises:
        InputError: The folder holds no run.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            self.config: dict[str, Any] = read_json(self.path / "config.json")
            self.split: dict[str, list[str]] = read_json(self.path / "split.json")
            self.settings = Config.from_dict(self.config)
            check_config(self.config)
            check_split(self.split)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
            reason = f"no {error.filename}" if isinstance(error, FileNotFoundError) else str(error)[:200] or repr(error)
            raise InputError(f"{self.path} is not the folder of a run: {reason}") from None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(
        cls,
        path: Path,
        task: Task,
        settings: Config,
        dataset: Dataset,
        split: dict[str, list[str]],
        recordings: Recordings | None = None,
        inherited: Sequence[Identities] = (),
        arguments: Sequence[str] = (),
    ) -> "Run":
        """Write config.json, split.json and identities.json into a new folder.

        Args:
            path: The folder.
            task: The task, with its classes.
            settings: The resolved settings.
            dataset: The data to train on.
            split: Part → names of its recordings.
            recordings: The prepared data set, whose signals, units and shortest recording the run states.
            inherited: What the models have learnt from from which this one learns.
            arguments: Words of `ecg-edge train` that repeat the training.

        Returns:
            The run.

        Raises:
            InputError: The folder holds a run already, the recordings have several units and are not scaled to one, or
                no model file could state a label or a setting.
        """
        refuse_existing(path)
        import_keras("training")
        import keras

        plain = settings.to_dict()
        config = {
            **plain,
            "task": {"name": task.name, **plain["task"]},
            "leads": list(dataset.leads),
            "lead_order": list(dataset.database.lead_order),
            **(describe_recordings(recordings, settings, split) if recordings else {}),
            "classes": list(task.classes),
            "arguments": list(arguments),
            "parts": count_parts(dataset, split, task.output == "labels"),
            "fingerprint": dataset.fingerprint(),
            "versions": installed_versions(),
            "keras_backend": keras.backend.backend(),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "git_commit": git_commit(),
            "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        describe_model(config, settings, {}, path)
        write_json(path / "split.json", split)
        learnt = _collect_identities(dataset, split, recordings.digests if recordings else None)
        learnt = functools.reduce(Identities.join, inherited, learnt)
        write_json(path / "identities.json", learnt.to_dict())
        if settings.task.get("embedder"):
            _copy_run(Path(settings.task["embedder"]), path / EMBEDDER)
        if settings.training.init:
            _copy_run(Path(settings.training.init), path / INITIAL)
        write_json(path / "config.json", config)
        return cls(path)

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The architecture; Keras is imported."""
        import_keras()
        try:
            return find(self.settings.arch)
        except ValueError as error:
            raise InputError(f"{self.path}: {error}") from None

    @property
    def decision(self) -> dict[str, Any]:
        """The task's thresholds and the like, {} before training has chosen them.

        Raises:
            InputError: The file is damaged.
        """
        chosen = self.path / "decision.json"
        try:
            decision = read_json(chosen) if chosen.exists() else {}
            check_decision(decision, len(self.config["classes"]))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"{chosen} is damaged ({str(error)[:200]}): delete it and end the training with "
                f"ecg-edge train --resume {self.path}"
            ) from None
        return decision

    @functools.cached_property
    def task(self) -> Task:
        """The task, with its classes and its decision thresholds."""
        name = self.config["task"]["name"]
        if name not in TASKS:
            raise unknown_name(f"task of {self.path}", name, TASKS)
        task_class = TASKS[name]
        try:
            options = task_class.Options(**self.settings.task)
        except TypeError as error:
            raise InputError(f"{self.path} is not the folder of a run: task: {error}") from None
        task = task_class(self.config["classes"], options, self.decision)
        attach_embedder(task, self.settings, self.path / EMBEDDER)
        return task

    def build(self) -> "keras.Model":
        """Build the Keras model with fresh weights, by the settings' seed."""
        return build_model(self.architecture, self.settings, self.task, self.config["leads"])

    def model(self) -> "keras.Model":
        """Load the trained Keras model.

        Raises:
            InputError: Training has not got that far, or the file cannot be read.
        """
        path = self.path / "model.keras"
        if not path.exists():
            raise InputError(f"{self.path} has no trained model yet: ecg-edge train --resume {self.path}")
        self.architecture  # noqa: B018  registers the layers that the file names
        import keras

        try:
            check_keras_archive(path)
            with warnings.catch_warnings():  # weights that Keras does not find would stay random
                warnings.filterwarnings("error", message=".*freshly-initialized")
                return cast("keras.Model", keras.models.load_model(path, compile=False, safe_mode=True))
        except Exception as error:  # what is damaged fails anywhere in Keras and HDF5, and in any way
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise InputError(f"{path} cannot be read ({reason}): copy it again, or train again") from None

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The data that the run was trained on. Raises InputError where they have changed since."""
        dataset = Dataset.open(self.config["data"], type(self.task), self.config["leads"])
        if dataset.fingerprint() != self.config["fingerprint"]:
            raise InputError(
                f"the recordings of {self.config['data']} are not those that {self.path} was trained on: "
                "their fingerprint differs; train a new run on them"
            )
        return dataset

    @functools.cached_property
    def identities(self) -> Identities:
        """The people, recordings and signals that the model has learnt from, and those of its `sources`.

        Runs of 0.1.0 do not state them: people and recordings are found by their names in the data then, the signals
        are not known. Raises InputError: the file is damaged, or those data are not here.
        """
        path = self.path / "identities.json"
        try:
            own = Identities.from_dict(read_json(path))
        except FileNotFoundError:
            own = _collect_identities(self.dataset, self.split, None)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged: {error!r}") from None
        return functools.reduce(Identities.join, [source.identities for source in self.sources], own)

    @property
    def sources(self) -> "list[Run]":
        """The runs that the model builds on: the beat embedder and that of its first weights, where it has them."""
        return [run for run in (self.embedder, self.initial) if run]

    @functools.cached_property
    def embedder(self) -> "Run | None":
        """The run of the beat classifier whose features the model takes, None where it takes none."""
        path, own = self.settings.task.get("embedder"), self.path / EMBEDDER
        return Run(own if own.is_dir() else path) if path else None

    @functools.cached_property
    def initial(self) -> "Run | None":
        """The run whose weights training started from, None where it started from fresh ones."""
        return Run(self.path / INITIAL) if self.settings.training.init else None

    def recordings(self, advance: Callable[[int, int], None] = lambda done, total: None) -> Recordings:
        """Prepare the run's data; `advance` is called with (done, total)."""
        return self.dataset.recordings(type(self.task), self.settings.signal.window_spec(), advance)

    def examples(self, part: str, advance: Callable[[int, int], None] = lambda done, total: None) -> Examples:
        """Return the examples of a part of the split.

        Args:
            part: "train" (those to learn from), "validation" or "test".
            advance: Called with (done, total) as recordings are prepared.

        Returns:
            The examples.
        """
        window = self.settings.signal.window_spec()
        return self.task.examples(self.recordings(advance), self.split[part], window, training=part == "train")

    def describe_model(self) -> ModelMetadata:
        """Return what the run knows about its model and a device has to know to use it."""
        return describe_model(self.config, self.settings, self.decision, self.path)


def _collect_identities(
    dataset: Dataset, split: Mapping[str, Sequence[str]], digests: Mapping[str, Sequence[str]] | None
) -> Identities:
    """The identities of the train and the validation part."""
    names = {*split["train"], *split["validation"]}
    return Identities.of([entry for entry in dataset.entries if entry.name in names], digests)


def attach_embedder(task: Task, settings: Config, own: Path | None = None, dry_run: bool = False) -> None:
    """Give a task that reads sequences of beats the embedder that its settings name.

    Args:
        task: The task; others than those that read sequences of beats stay as they are.
        settings: The run's settings.
        own: Where the run keeps its copy of the embedder's run, which it takes if it is there.
        dry_run: Whether an untrained embedder will do.

    Raises:
        InputError: The settings name no embedder and the model needs one, or they contradict each other.
    """
    if "embedder" not in settings.task:
        return
    if settings.task["embedder"]:
        found = own if own and own.is_dir() else settings.task["embedder"]
        embedder = load_embedder(found, settings.model["morphology"])
        _check_embedder(embedder, settings)
        task.embed_beats = embedder
    elif settings.model["morphology"] and dry_run:
        task.embed_beats = BeatEmbedder.untrained(settings)
    elif settings.model["morphology"]:
        raise InputError(
            f"the model takes a beat embedder's features: train {find(settings.arch).beat_embedder} and name its run "
            "as the setting task.embedder=RUN; or train without on annotated beats, with model.morphology=false"
        )
    elif settings.task["labels"] == "own":
        raise InputError("without an embedder there are no labels of its own: set task.labels=true, or none")


def _check_embedder(embedder: BeatEmbedder, settings: Config) -> None:
    """Raise InputError where a model of these settings cannot take the embedder's features."""
    rate, leads = embedder.window.fs, embedder.leads
    if not embedder.morphology and any(x.name == "own" for x in embedder.model.inputs):
        raise InputError(
            f"{embedder.name} takes RR intervals relative to the patient's own, the model those in s: train it with "
            "task.relative=false model.relative=false"
        )
    if embedder.morphology and embedder.features != settings.model["features"]:
        raise InputError(
            f"{embedder.name} gives {embedder.features} features of a beat, the model takes "
            f"{settings.model['features']}: set model.features={embedder.features}, or train both with one preset"
        )
    if rate != settings.signal.fs:
        raise InputError(f"{embedder.name} takes {rate:g} Hz: set signal.fs={rate:g}, or train both with one preset")
    if settings.leads and leads != len(settings.leads):
        raise InputError(f"{embedder.name} takes {leads} leads, the model {len(settings.leads)}: name the same leads")


def _copy_run(source: Path, folder: Path) -> None:
    """Copy what loading a run's model takes, so that a run that needs it is complete wherever it is."""
    folder.mkdir(parents=True)
    for name in ("config.json", "split.json", "model.keras", "identities.json"):
        if name != "identities.json" or (source / name).exists():  # runs of 0.1.0 have none
            shutil.copyfile(source / name, folder / name)


def load_embedder(path: Path | str, morphology: bool = True) -> BeatEmbedder:
    """Load the beat embedder of the run at `path`, for a model with `morphology` or one that takes RR intervals and
    classes. Raises InputError where it has no features of beats."""
    run = Run(path)
    embedder = BeatEmbedder.from_model(run.path / "model.keras", run.model(), run.settings)
    embedder.describe_model, embedder.morphology = run.describe_model, morphology
    return embedder


def build_model(architecture: Architecture, settings: Config, task: Task, leads: Sequence[str]) -> "keras.Model":
    """Build the architecture's Keras model for a task, with fresh weights.

    Args:
        architecture: The architecture.
        settings: The run's settings; the seed decides the weights.
        task: The task, with its classes.
        leads: The leads that the model takes.

    Returns:
        The model, not compiled.
    """
    import_keras()
    import keras

    keras.utils.set_random_seed(settings.seed)
    window = settings.signal.window_spec()
    samples, channels = task.input_length(window), task.count_channels(len(leads))
    try:
        return task.wrap_model(architecture.build(samples, channels, len(task.classes), **settings.model), window)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"{architecture.name} cannot be built with these settings: {reason}") from error
