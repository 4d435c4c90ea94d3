"""Load a model, an exported file or a run: a function of windows, with the task and the windows that it describes."""

from pathlib import Path

from ecg_edge.data.examples import WindowSpec
from ecg_edge.run import Run, load_embedder
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.predictor import KerasPredictor, Predictor
from ecg_edge.tasks.task import Task
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.errors import InputError, ModelError, unknown_name
from firmware_bench.runtime.metadata import ModelMetadata

REQUIRED_METADATA = ("task", "labels", "leads", "fs", "window")


def load_predictor(path: Path) -> tuple[Predictor, ModelMetadata]:
    """Load an exported file or a run.

    Args:
        path: The file or the folder.

    Returns:
        The model as a function of windows (see ecg_edge.tasks.predictor), and what describes its input.

    Raises:
        InputError: There is no such file or run, or it cannot be read.
    """
    if path.is_dir():
        run = Run(path)
        return KerasPredictor(run.model()), run.describe_model()
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise InputError(f"no model {str(path)!r}: name a .tflite file or the folder of a run")
    predictor = TFLitePredictor(path)
    return predictor, predictor.metadata


def task_from_metadata(metadata: ModelMetadata, source: str) -> tuple[Task, WindowSpec]:
    """Make the task and the window specification that a model's metadata describe.

    Args:
        metadata: The metadata of the model.
        source: What errors call the model.

    Returns:
        The task, with its decision thresholds, and the windows of the model.

    Raises:
        InputError: Something is missing in the metadata, or they name an unknown task.
    """
    try:
        metadata.require(*REQUIRED_METADATA)
    except ModelError as error:
        raise InputError(f"{source}: {error}") from None
    name, options = metadata.task.name, metadata.task.options
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    task_class = TASKS[name]
    try:
        task = task_class(metadata.labels, task_class.Options(**options), metadata.decision)
    except TypeError as error:
        raise InputError(f"{source}: its metadata do not describe task {name}: {error}: export it again") from None
    if options.get("embedder"):
        task.embed_beats = load_embedder(options["embedder"])
    return next(iter(task.variants().values())), WindowSpec.from_metadata(metadata)
