"""Load a model, an exported file or a run: a function of windows, with the task and the windows that it describes."""

import dataclasses
from pathlib import Path

from ecg_edge.data.examples import WindowSpec
from ecg_edge.embedding import FileEmbedder
from ecg_edge.run import EMBEDDER, Run, load_embedder
from ecg_edge.run_files import check_decision
from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.beat_rhythm import PLAIN
from ecg_edge.tasks.predictor import KerasPredictor, Predictor
from ecg_edge.tasks.task import Task
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.errors import InputError, ModelError, unknown_name
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.typed_json import shorten

REQUIRED_METADATA = ("task", "labels", "leads", "fs", "window")


def load_predictor(path: Path) -> tuple[Predictor, ModelMetadata]:
    """Load an exported file or a run.

    Args:
        path: The file or the folder, as `ecg_edge.zoo.find_model` found it.

    Returns:
        The model as a function of windows (see ecg_edge.tasks.predictor), and what describes its input.

    Raises:
        InputError: There is no such file or run, or it cannot be read.
    """
    if path.is_dir():
        run = Run(path)
        model = run.model()
        inputs = tuple(Tensor(x.name, (1, *x.shape[1:]), "float32", 0.0, 0) for x in model.inputs)
        return KerasPredictor(model), dataclasses.replace(run.describe_model(), inputs=inputs)
    predictor = TFLitePredictor(path)
    return predictor, predictor.metadata


def find_embedder(path: Path, metadata: ModelMetadata) -> Path | None:
    """Find the beat classifier of a model that takes features of beats.

    Args:
        path: The model: a run, or a file.
        metadata: The metadata of the model.

    Returns:
        The classifier's file beside the model's file, where the metadata name one; otherwise the classifier's own run,
        in the folder embedder/ of the model's run; None where there is none.
    """
    if metadata.embedder and (path.parent / metadata.embedder.file).is_file():
        return path.parent / metadata.embedder.file
    run = path if path.is_dir() else path.resolve().parents[1] if path.resolve().parent.name == "export" else None
    return run / EMBEDDER if run and (run / EMBEDDER).is_dir() and (run / "config.json").is_file() else None


def task_from_metadata(metadata: ModelMetadata, source: str, embedder: Path | None = None) -> tuple[Task, WindowSpec]:
    """Make the task and the window specification that a model's metadata describe.

    Args:
        metadata: The metadata of the model.
        source: What errors call the model.
        embedder: The file or the run of the beat classifier whose features the model takes, where it takes some.

    Returns:
        The task, with its decision thresholds, and the windows of the model.

    Raises:
        InputError: Something is missing in the metadata or contradicts something else there, they name an unknown task,
            or the model takes features of beats and there is no embedder.
    """
    try:
        metadata.require(*REQUIRED_METADATA)
    except ModelError as error:
        raise InputError(f"{source}: {error}") from None
    name, options = metadata.task.name, metadata.task.options
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    task_class = TASKS[name]
    task_class.require_answer(source)
    window = WindowSpec.from_metadata(metadata)
    try:
        task = task_class(metadata.labels, task_class.Options.from_plain(options), metadata.decision)
        task.check_classes()
        check_decision(metadata.decision, len(metadata.labels))
        _check_tensors(metadata)
        for steps in (window.steps, window.window_steps):
            Preprocessing(steps)
    except (InputError, ValueError) as error:
        raise InputError(f"{source}: its metadata do not describe task {name}: {error}") from None
    if metadata.embedder and embedder is None:
        raise InputError(
            f"{source} takes the features of a beat classifier, and {shorten(metadata.embedder.file)} is not beside "
            "it: copy it there, or name it with --embedder FILE"
        )
    if options.get("embedder") and embedder is None:
        raise InputError(
            f"{source} takes the features of a beat classifier. Its metadata name the folder "
            f"{shorten(options['embedder'])}, which is not opened unasked: name the classifier's run as embedder "
            "(--embedder RUN)"
        )
    if (metadata.embedder or options.get("embedder")) and embedder:
        taken = _count_features(metadata)
        task.embed_beats = (
            load_file_embedder(metadata, embedder) if embedder.is_file() else load_embedder(embedder, taken != PLAIN)
        )
    return next(iter(task.variants().values())), window


def load_file_embedder(metadata: ModelMetadata, path: Path) -> FileEmbedder:
    """Load the exported beat classifier of a model.

    Args:
        metadata: The metadata of the model.
        path: The classifier's file.

    Raises:
        InputError: The file cannot be read, it is another one than the model was exported with, or its features do not
            fit the model.
    """
    embedder = FileEmbedder(path)
    if metadata.embedder and embedder.metadata.digest != metadata.embedder.digest:
        raise InputError(
            f"{path} is not the beat classifier that the model was exported with, as its digest says: copy both files "
            "of one export"
        )
    taken = _count_features(metadata)
    if embedder.features != taken:
        raise InputError(f"{path} gives {embedder.features} features of a beat, and the model takes {taken}")
    return embedder


def _count_features(metadata: ModelMetadata) -> int:
    """The number of features of a beat that a model takes, 0 where it takes none."""
    return next((tensor.shape[-1] for tensor in metadata.inputs if tensor.name == "features"), 0)


def _check_tensors(metadata: ModelMetadata) -> None:
    """Raise InputError where the model's own inputs and outputs have other sizes than the windows and the labels."""
    shapes = {tensor.name: tensor.shape for tensor in (*metadata.inputs, *metadata.outputs)}
    window = (metadata.window.samples, len(metadata.leads))
    if not metadata.streaming and len(shapes.get("ecg", ())) == 3 and shapes["ecg"][1:] != window:
        raise InputError(f"windows of {window} (samples, leads), and the model takes {shapes['ecg'][1:]}")
    if "history" in shapes:
        raise InputError("it takes beats in the form of an earlier version: train it again")
    given = shapes.get("probabilities", (len(metadata.labels),))[-1]
    if given != len(metadata.labels):
        raise InputError(f"{len(metadata.labels)} labels, and the model gives {given} probabilities")
