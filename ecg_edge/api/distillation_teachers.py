"""The trained runs that a model is distilled from, and what they say of its training examples.

A teacher predicts recordings of people who are neither in its train nor in its validation part, as far as there is such
a teacher; recordings that all teachers know are predicted by all of them. With the folds of a cross-validation as
teachers, each recording is thus predicted by the models that it was held out from. No teacher may know a recording of
the student's test part.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write, read_json, write_json

TEACHERS = "teachers.json"  # in the folder of the student: folder of each teacher → hash of its model


def open_teachers(folders: str | None) -> list[Run]:
    """Open the runs in `folders`, with commas between them.

    Raises:
        InputError: A folder holds no run, or its model is not trained yet.
    """
    teachers = [Run(folder.strip()) for folder in folders.split(",")] if folders else []
    for teacher in teachers:
        if not (teacher.path / "model.keras").exists():
            raise InputError(f"teacher {teacher.path} has no trained model yet: ecg-edge train --resume {teacher.path}")
    return teachers


def check_teachers(
    teachers: Sequence[Run],
    task: Task,
    settings: Config,
    leads: Sequence[str],
    recordings: Recordings,
    tested: Sequence[str],
) -> None:
    """Check that teachers can say something of a student's examples.

    Args:
        teachers: The trained runs.
        task: The student's, with its classes.
        settings: The student's.
        leads: The student's.
        recordings: Of the student's data set.
        tested: Names of the recordings of its test part.

    Raises:
        InputError: Task, labels, leads or windows differ, the task predicts no probabilities, or a teacher was trained
            on recordings of the student's test part.
    """
    if teachers and task.output == "reconstruction":
        raise InputError(f"training.teachers: a model of the task {task.name} predicts no probabilities to learn from")
    wanted = {"task": [task.name, settings.task], "labels": list(task.classes), "leads": list(leads)}
    wanted["windows"] = _describe_windows(settings)
    entries = [entry for entry in recordings.entries if entry.name in set(tested)]
    for teacher in teachers:
        found = {
            "task": [teacher.config["task"]["name"], teacher.settings.task],
            "labels": teacher.config["classes"],
            "leads": teacher.config["leads"],
            "windows": _describe_windows(teacher.settings),
        }
        for name, value in wanted.items():
            if json.dumps(found[name]) != json.dumps(value):
                raise InputError(
                    f"teacher {teacher.path} has other {name} than the student: {_differing(found[name], value)}"
                )
        if shared := teacher.identities.find_shared(entries, recordings.digests):
            raise InputError(
                f"teacher {teacher.path} was trained on {len(shared)} recordings of the student's test part (first: "
                f"{next(iter(shared))}): take teachers of the same data and seed, or of its folds"
            )


def _describe_windows(settings: Config) -> dict:
    """What decides the values of a window."""
    return dataclasses.asdict(settings.signal.window_spec())


def _differing(found, wanted) -> str:
    """Say what the teacher has and what the student has."""
    if isinstance(found, dict):
        key = next(key for key in wanted if json.dumps(found.get(key)) != json.dumps(wanted[key]))
        return f"{key} {found.get(key)}, not {wanted[key]}"
    return f"{' '.join(map(str, found))}, not {' '.join(map(str, wanted))}"


def keep_teachers(path: Path, teachers: Sequence[Run]) -> None:
    """Write which models the student in the folder `path` is distilled from; nothing where there are none."""
    if teachers:
        write_json(path / TEACHERS, {str(teacher.path): _hash_model(teacher) for teacher in teachers})


def add_teaching(run: Run, training: Examples, reporter: Reporter) -> Examples:
    """Add to the training examples of a run what its teachers say of them.

    It is computed once and kept in the run's folder, so that a training that is resumed goes on with the same values.

    Args:
        run: The student.
        training: Its training examples, as they are before an epoch draws from them or changes them.
        reporter: Receives messages and progress.

    Returns:
        The examples; without teachers, as they are.

    Raises:
        InputError: A teacher's model is not the one that the run was created with, or the kept file is damaged.
    """
    if not run.settings.training.teachers:
        return training
    hashes = read_json(run.path / TEACHERS)
    what = [hashes, run.config["fingerprint"], run.split["train"], _describe_windows(run.settings), len(training)]
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
    path = run.path / f"teachers-{key}.npy"
    if not path.exists():
        teachers = open_teachers(run.settings.training.teachers)
        for teacher in teachers:
            if hashes.get(str(teacher.path)) != _hash_model(teacher):
                raise InputError(
                    f"teacher {teacher.path} was trained anew since {run.path} was created: create another"
                )
        teaching = average_teachers(run.task, teachers, training, reporter)
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.save(file, teaching)
    try:
        teaching = np.load(path, allow_pickle=False)
        if teaching.shape != (len(training), len(run.task.classes)) or teaching.dtype != np.float32:
            raise ValueError(f"{teaching.dtype} {teaching.shape}")
    except (ValueError, EOFError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}): delete it") from None
    return dataclasses.replace(training, teaching=teaching)


def average_teachers(task: Task, teachers: Sequence[Run], training: Examples, reporter: Reporter) -> np.ndarray:
    """Average the probabilities of those teachers that may predict a recording.

    Args:
        task: The student's.
        teachers: The trained runs.
        training: Its training examples, n of them.
        reporter: Receives messages and progress.

    Returns:
        float32 (n, classes).
    """
    recordings = training.recordings
    asked = np.ones((len(teachers), len(recordings.entries)), bool)
    for row, teacher in zip(asked, teachers, strict=True):
        known = teacher.identities.find_shared(recordings.entries, recordings.digests)
        row[:] = [entry.name not in known for entry in recordings.entries]
    asked[:, ~asked.any(axis=0)] = True
    per_example = asked[:, training.records]  # (teachers, n)
    held_out = np.unique(training.records[~per_example.all(axis=0)])
    reporter.message(
        f"{len(teachers)} teachers predict {len(training)} training examples; of {len(held_out)} recordings only those "
        "that were not trained on them"
    )
    count = reporter.counter("predicting with teachers", int(per_example.sum()))
    total = np.zeros((len(training), len(task.classes)))
    for teacher, own in zip(teachers, per_example, strict=True):
        positions = np.flatnonzero(own)
        if len(positions):
            total[positions] += task.predict(KerasPredictor(teacher.model()), training.take(positions), count)
    return (total / per_example.sum(axis=0)[:, None]).astype(np.float32)


def _hash_model(run: Run) -> str:
    with open(run.path / "model.keras", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
