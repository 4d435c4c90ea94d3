"""The features that a trained beat classifier has of every beat, for models that read sequences of beats.

What is costly, the beat's waveform and spectrum, does not depend on the labels of the beats before it and is computed
for many beats at once; the small rest goes beat after beat where those labels are the classifier's own.
"""

import dataclasses
import hashlib
from collections.abc import Callable

import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings, cache_folder
from ecg_edge.tasks.beats import CLASSES, UNKNOWN, BeatsTask, aami_classes, predict_autoregressively
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

BATCH = 256


def attach(task, settings, dry_run: bool = False) -> None:
    """Gives a task that reads sequences of beats the embedder that its settings name; a dry run needs no trained one.

    Raises InputError where the settings name none and the model needs one, or they contradict each other.
    """
    if "embedder" not in settings.task:
        return
    if settings.task["embedder"]:
        from ecg_edge.run import Run

        task.embed_beats = Embedder.of_run(Run(settings.task["embedder"]))
    elif settings.model["morphology"] and dry_run:
        task.embed_beats = Embedder.untrained(settings)
    elif settings.model["morphology"]:
        raise InputError(
            "the model takes a beat embedder's features: train htf_beat and name its run with "
            "--set task.embedder=RUN; or train without on annotated beats, with --set model.morphology=false"
        )
    elif settings.task["labels"] == "own":
        raise InputError("without an embedder there are no labels of its own: --set task.labels=true, or none")


class Embedder:
    """A beat classifier, of htf_beat's architecture, as a function of recordings. identity: of its weights.
    `advance(done, total)` is called as beats are done."""

    def __init__(self, name: str, model, window: WindowSpec, identity: str):
        self.name, self.model, self.window, self.identity = name, model, window, identity
        self.advance: Callable[[int, int], None] = lambda done, total: None

    @classmethod
    def of_run(cls, run) -> "Embedder":
        """Raises InputError where `run` is one of another architecture, or has no model yet."""
        if run.settings.arch != "htf_beat":
            raise InputError(f"{run.path} is a run of {run.settings.arch}: a beat embedder is one of htf_beat")
        model = run.model()
        identity = hashlib.sha256((run.path / "model.keras").read_bytes()).hexdigest()[:16]
        return cls(str(run.path), model, run.settings.signal.window_spec(), identity)

    @classmethod
    def untrained(cls, settings) -> "Embedder":
        """With random weights, in the size that goes with a run's preset and leads of the embedded synthetic ECG."""
        from ecg_edge.records.record import STANDARD_LEADS
        from models_keras.registry import find

        architecture = find("htf_beat")
        preset = architecture.presets[settings.preset]
        window = dataclasses.replace(
            settings.signal.window_spec(), samples=round(preset.signal["window_s"] * settings.signal.fs)
        )
        model = architecture.build(window.samples, len(settings.leads or STANDARD_LEADS), len(CLASSES), **preset.model)
        return cls("an untrained embedder", model, window, "untrained")

    def __call__(self, recordings: Recordings, labels: str) -> np.ndarray:
        """The features of all beats, float32 (beats, k), in the cache where the recordings are. labels: of the beats
        before, the classifier's "own", the annotated ("true") ones, or "none"."""
        if self.window.fs != recordings.fs:
            raise InputError(
                f"{self.name} takes {self.window.fs:g} Hz, the recordings are prepared for {recordings.fs:g} Hz"
            )
        if not recordings.key:
            return self._features(recordings, labels)
        file = cache_folder() / f"{recordings.key}-{self.identity}-{labels}.npy"
        if not file.exists():
            with atomic_write(file) as temporary, open(temporary, "wb") as opened:
                np.save(opened, self._features(recordings, labels))
        return np.load(file, mmap_mode="r")

    def _features(self, recordings, labels):
        from models_keras.htf_beat import streams

        morphology, head = streams(self.model)
        examples = BeatsTask(CLASSES).inference_examples(recordings, self.window)
        count = len(examples)
        waveform = []
        for start in range(0, count, BATCH):
            end = min(start + BATCH, count)
            waveform.append(morphology.predict_on_batch(examples.windows(np.arange(start, end))))
            self.advance(end, count)
        waveform = np.concatenate(waveform)

        def one_step(positions, known):
            inputs = dataclasses.replace(examples, known=known).history(positions)
            answer = head.predict_on_batch({"morphology": waveform[positions], **inputs})
            return np.concatenate([answer["probabilities"], answer["fused"]], axis=1)

        classes = len(CLASSES)
        if labels == "own":
            return predict_autoregressively(examples.records, examples.beats, count, one_step)[0][:, classes:]
        known = aami_classes(recordings.beat_symbols) if labels == "true" else np.full(count, UNKNOWN, np.int8)
        steps = [one_step(np.arange(i, min(i + BATCH, count)), known) for i in range(0, count, BATCH)]
        return np.concatenate(steps)[:, classes:]
