"""Features of beats from a trained beat classifier, for models that read sequences of beats.

The features of a beat's waveform and spectrum are costly, but do not depend on the labels of the beats before it: they
are computed in batches. The small head is run beat by beat where those labels are the classifier's own.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings, cache_folder
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.tasks.beat_history import CLASSES, UNKNOWN, aami_classes, predict_autoregressively
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write
from models_keras.registry import Architecture, find

BATCH = 256


class BeatEmbedder:
    """A trained beat classifier as a function of recordings: its features of every beat.

    Attributes:
        name: What errors call it.
        architecture: A beat classifier's.
        model: The Keras model.
        window: The windows that it takes.
        identity: Identifies its weights.
        advance: Called with (done, total) as beats are done.
    """

    def __init__(self, name: str, architecture: Architecture, model, window: WindowSpec, identity: str):
        self.name, self.architecture, self.model = name, architecture, model
        self.window, self.identity = window, identity
        self.advance: Callable[[int, int], None] = lambda done, total: None

    @classmethod
    def from_model(cls, model_file: Path, model, settings: Config) -> "BeatEmbedder":
        """Make the embedder of a trained run.

        Args:
            model_file: The run's model.keras.
            model: The Keras model in it.
            settings: The run's settings.

        Raises:
            InputError: The run's architecture has no features of beats.
        """
        architecture = find(settings.arch)
        if architecture.split_beat_model is None:
            raise InputError(
                f"{model_file.parent} is a run of {settings.arch}, which has no features of beats: "
                "name a run of a beat classifier"
            )
        identity = hashlib.sha256(model_file.read_bytes()).hexdigest()[:16]
        return cls(str(model_file.parent), architecture, model, settings.signal.window_spec(), identity)

    @classmethod
    def untrained(cls, settings: Config) -> "BeatEmbedder":
        """Make one with random weights, of the size that goes with a run's preset and leads."""
        name = find(settings.arch).beat_embedder
        assert name is not None, settings.arch
        architecture = find(name)
        preset = architecture.presets[settings.preset]
        window = dataclasses.replace(
            settings.signal.window_spec(), samples=round(preset.signal["window_s"] * settings.signal.fs)
        )
        model = architecture.build(window.samples, len(settings.leads or STANDARD_LEADS), len(CLASSES), **preset.model)
        return cls("an untrained embedder", architecture, model, window, "untrained")

    def __call__(self, recordings: Recordings, labels: str) -> np.ndarray:
        """Compute the features of all beats; they are kept in the cache where the recordings are.

        Args:
            recordings: The recordings, at the rate that the classifier takes.
            labels: The labels of the beats before: the classifier's "own", the annotated ("true") ones, or "none".

        Returns:
            float32 (beats, features).

        Raises:
            InputError: The recordings are prepared for another rate.
        """
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
        assert self.architecture.split_beat_model is not None
        morphology, head = self.architecture.split_beat_model(self.model)
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
