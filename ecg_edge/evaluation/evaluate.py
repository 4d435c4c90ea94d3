"""Evaluation of a run: the same path for Keras and for an exported file."""

from collections.abc import Callable

from ecg_edge.errors import InputError
from ecg_edge.evaluation.metrics import classification
from ecg_edge.evaluation.predictors import predict
from ecg_edge.evaluation.scores import SCORES
from ecg_edge.records.folder import Folder
from ecg_edge.tasks.dataset import Dataset
from ecg_edge.tasks.examples import Examples


def measured_part(run, data: str | None, advance: Callable[[int, int], None]) -> tuple[Examples, str]:
    """The recordings to evaluate on, and what to call them: the run's test part, or all of the data set `data` that
    carry one of the run's classes.

    Raises InputError where a patient of theirs took part in training.
    """
    if data is None:
        examples, where = run.windows(advance).examples(run.split["test"]), f"{run.config['data']}, test part"
    else:
        dataset = Dataset.open(data, run.config["leads"])
        known = [entry.name for entry in dataset.entries if entry.labels[0] in run.config["classes"]]
        if not known:
            raise InputError(f"no recording of {data} carries one of the run's classes {run.config['classes']}")
        refuse_overlap(run, dataset)
        left_out = len(dataset.entries) - len(known)
        examples = dataset.windows(run.settings.signal, advance).examples(known)
        where = data + (f" ({left_out} recordings of other classes left out)" if left_out else "")
    if not len(examples):
        raise InputError(f"{where}: no recording to evaluate on")
    return examples, where


def refuse_overlap(run, dataset: Dataset) -> None:
    """Raises InputError where `dataset` holds patients whom the run was trained or chosen on."""
    own = run.dataset
    same_folder = dataset.folder.resolve() == own.folder.resolve()
    # Patients of two databases are other people, even where they carry the same number.
    if not same_folder and (dataset.database.name != own.database.name or isinstance(own.database, Folder)):
        return
    names = {*run.split["train"], *run.split["validation"]}
    overlap = {e.patient for e in own.entries if e.name in names} & {e.patient for e in dataset.entries}
    if overlap:
        raise InputError(
            f"{len(overlap)} patients of this data (first: {min(overlap)}) took part in training: "
            "leave out --data to measure on the run's test part"
        )


def evaluate(
    run,
    predictor: Callable,
    examples: Examples,
    advance: Callable[[int], None] = lambda windows: None,
    resampled: Callable[[], None] = lambda: None,
) -> dict:
    """Metrics of `predictor` over the recordings of `examples`, as plain data (see metrics.classification)."""
    task = run.task
    probabilities = predict(predictor, examples, advance)
    found, decided = task.decide(probabilities, examples.records)
    entries = [examples.entries[record] for record in found]
    patients = [entry.patient for entry in entries]
    name, score = SCORES.get(run.dataset.database.name, (None, None))
    result = {"recordings": len(entries), "windows": len(examples), "patients": len(set(patients))}
    if score:
        result["score_name"] = name
        score = score(entries, task.classes)
    return result | classification(task.targets(entries), decided, task.classes, patients, score, resampled)
