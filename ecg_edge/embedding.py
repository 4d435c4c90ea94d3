"""Features of beats from a trained beat classifier, for models that read sequences of beats.

The features of a beat's waveform and spectrum are costly, but do not depend on the labels of the beats before it: they
are computed in batches. The small head is run beat by beat where those labels are the classifier's own. An exported
classifier is one file that takes a beat at a time, as on a device. Without morphology, features are the RR intervals
before a beat and the probabilities of its classes.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings, cache_folder
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.tasks.beat_examples import BeatExamples
from ecg_edge.tasks.beat_history import BEFORE, CLASSES, UNKNOWN, aami_classes, predict_autoregressively
from ecg_edge.tasks.beats import BeatOptions, BeatsTask
from ecg_edge.tasks.predictor import KerasPredictor, Predictor
from ecg_edge.tflite_predictor import TFLitePredictor
from ecg_edge.training.config import Config
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.metadata import ModelMetadata
from models_keras.registry import Architecture, find

BATCH = 256
RUN_IN = 32  # beats before the first wanted one, so that the five labels that precede it are settled


class BeatEmbedder:
    """A trained beat classifier as a function of recordings: its features of every beat.

    Attributes:
        name: What errors call it.
        architecture: A beat classifier's.
        model: The Keras model.
        window: The windows that it takes.
        identity: Identifies its weights.
        leads: The number of leads that it takes.
        morphology: Whether features are the classifier's fused ones, or RR intervals and probabilities.
        knows_labels: Whether it was trained with the labels of the beats before; its own are none otherwise.
        describe_model: Returns the metadata of its model.
        advance: Called with (done, total) as beats are done.
    """

    def __init__(self, name: str, architecture: Architecture, model, window: WindowSpec, identity: str):
        self.name, self.architecture, self.model = name, architecture, model
        self.window, self.identity, self.leads = window, identity, model.inputs[0].shape[-1]
        self.morphology = self.knows_labels = True
        self.advance: Callable[[int, int], None] = lambda done, total: None
        self.describe_model: Callable[[], ModelMetadata] = ModelMetadata

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
        made = cls(str(model_file.parent), architecture, model, settings.signal.window_spec(), identity)
        made.knows_labels = settings.task.get("labels") != "none"
        return made

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

    @property
    def features(self) -> int:
        """The number of features of a beat."""
        return self.with_features().output["fused"].shape[-1] if self.morphology else BEFORE + len(CLASSES)

    def with_features(self):
        """The classifier's Keras model with the features as the output "fused"."""
        assert self.architecture.beat_features is not None
        return self.architecture.beat_features(self.model, self.morphology)

    def __call__(self, recordings: Recordings, labels: str, records: np.ndarray | None = None) -> np.ndarray:
        """Compute the features of all beats; they are kept in the cache where the recordings are.

        Args:
            recordings: The recordings, at the rate that the classifier takes.
            labels: The labels of the beats before: the classifier's "own", the annotated ("true") ones, or "none".
            records: Which recordings are asked for; not used, since those in the cache serve every part of a split.

        Returns:
            float32 (beats, features); zeros for beats of recordings without signal.

        Raises:
            InputError: The recordings are prepared for another rate.
        """
        check_recordings(self.name, self.window, self.leads, recordings)
        labels = choose_labels(labels, self.knows_labels)
        seen = find_beats_with_signal(recordings)
        if not recordings.key:
            return _spread(self._features(recordings, labels, seen), seen)
        form = labels if self.morphology else f"{labels}-classes"
        file = cache_folder() / f"{recordings.key}-{self.identity}-{form}.npy"
        if not file.exists():
            with atomic_write(file) as temporary, open(temporary, "wb") as opened:
                np.save(opened, self._features(recordings, labels, seen))
        return _spread(np.load(file, mmap_mode="r"), seen)

    def _features(self, recordings, labels, seen):
        """The features of the beats that are `seen`, bool (all beats,): (seen beats, features)."""
        assert self.architecture.split_beat_model is not None
        morphology, head = self.architecture.split_beat_model(self.model)
        examples = make_task(x.name for x in self.model.inputs).inference_examples(recordings, self.window)
        examples = examples.take(np.flatnonzero(seen[examples.beats]))
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
            said = [answer["fused"]] if self.morphology else [inputs["rr"], answer["probabilities"]]
            return np.concatenate([answer["probabilities"], *said], axis=1)

        classes, total = len(CLASSES), len(recordings.beat_times)
        if labels == "own":
            return predict_autoregressively(examples.records, examples.beats, total, one_step)[0][:, classes:]
        known = aami_classes(recordings.beat_symbols) if labels == "true" else np.full(total, UNKNOWN, np.int8)
        steps = [one_step(np.arange(i, min(i + BATCH, count)), known) for i in range(0, count, BATCH)]
        return np.concatenate(steps)[:, classes:]

    def classify(self, recordings: Recordings, labels: str, wanted: np.ndarray) -> BeatExamples:
        """The `wanted` beats, bool (all beats,), as the classifier takes them, with the labels before them."""
        labels, predictor = choose_labels(labels, self.knows_labels), KerasPredictor(self.with_features())
        task = make_task(x.name for x in self.model.inputs)
        return run_beats(predictor, self.features, task, recordings, self.window, labels, wanted, self.advance)[1]


class FileEmbedder:
    """An exported beat classifier as a function of recordings: its features of every beat.

    Args:
        path: The .tflite file, whose outputs are "fused" and "probabilities".

    Attributes:
        name: What errors call it.
        metadata: The metadata in the file.
        window: The windows that it takes.
        features: The number of features of a beat.
        advance: Called with (done, total) as beats are done.

    Raises:
        InputError: The file cannot be read or executed, or it has no features of beats.
    """

    def __init__(self, path: Path):
        self.name = str(path)
        self.advance: Callable[[int, int], None] = lambda done, total: None
        self._predictor = TFLitePredictor(path)
        self.metadata = self._predictor.metadata
        inputs = {tensor.name: tensor.shape for tensor in self._predictor.model.inputs}
        outputs = {tensor.name: tensor.shape for tensor in self._predictor.model.outputs}
        if inputs.keys() - {"own"} != {"ecg", "rr", "labels"} or outputs.keys() != {"fused", "probabilities"}:
            raise InputError(f"{path} has no features of beats: export a beat classifier with --features")
        self.window = WindowSpec.from_metadata(self.metadata)
        self.features, self._leads, self._task = outputs["fused"][-1], inputs["ecg"][-1], make_task(inputs)
        self._knows_labels = self.metadata.task.options.get("labels") != "none"

    def __call__(self, recordings: Recordings, labels: str, records: np.ndarray) -> np.ndarray:
        """Compute the features of all beats of some recordings, one beat after the other.

        Args:
            recordings: The recordings, at the rate that the classifier takes.
            labels: As for BeatEmbedder.
            records: The positions of the recordings that are asked for.

        Returns:
            float32 (all recordings' beats, features), zeros in recordings that are not asked for.

        Raises:
            InputError: The recordings are prepared for another rate, or have another number of leads.
        """
        return self.embed(recordings, labels, np.isin(_find_owners(recordings), records))

    def embed(self, recordings: Recordings, labels: str, wanted: np.ndarray) -> np.ndarray:
        """Compute the features of the `wanted` beats, bool (all beats,); see `run_beats`."""
        check_recordings(self.name, self.window, self._leads, recordings)
        labels, wanted = choose_labels(labels, self._knows_labels), wanted & find_beats_with_signal(recordings)
        about = self._predictor, self.features, self._task
        return run_beats(*about, recordings, self.window, labels, wanted, self.advance)[0]


def check_recordings(name: str, window: WindowSpec, leads: int, recordings: Recordings) -> None:
    """Raise InputError where the classifier `name` takes another rate or number of leads than the recordings have."""
    if window.fs != recordings.fs:
        raise InputError(f"{name} takes {window.fs:g} Hz, the recordings are prepared for {recordings.fs:g} Hz")
    if leads != recordings.signals.shape[1]:
        raise InputError(f"{name} takes {leads} leads, the recordings are prepared with {recordings.signals.shape[1]}")


def make_task(inputs: Iterable[str]) -> BeatsTask:
    """Make the task that gives a beat classifier the inputs of these names."""
    return BeatsTask(CLASSES, BeatOptions(relative="own" in inputs))


def choose_labels(labels: str, knows_labels: bool) -> str:
    """Choose the labels of the beats before: "own" is none for a classifier that was trained without."""
    return "none" if labels == "own" and not knows_labels else labels


def find_beats_with_signal(recordings: Recordings) -> np.ndarray:
    """Whether each beat is of a recording with a signal: bool (all beats,)."""
    return recordings.has_signal()[_find_owners(recordings)]


def _find_owners(recordings):
    """The recording of each beat."""
    return np.repeat(np.arange(len(recordings.entries)), np.diff(recordings.beat_starts))


def _spread(features, seen):
    """The features of the beats that are seen, with zeros for the others."""
    if seen.all():
        return features
    spread = np.zeros((len(seen), features.shape[1]), np.float32)
    spread[seen] = features
    return spread


def run_beats(
    predictor: Predictor,
    features: int,
    task: BeatsTask,
    recordings: Recordings,
    window: WindowSpec,
    labels: str,
    wanted: np.ndarray,
    advance: Callable[[int, int], None],
) -> tuple[np.ndarray, BeatExamples]:
    """Run a beat classifier on some beats.

    Args:
        predictor: The classifier, with the outputs "fused" and "probabilities".
        features: How many "fused" has.
        task: Gives it its inputs.
        recordings: The recordings.
        window: The windows that it takes.
        labels: The labels of the beats before: its "own", "true" or "none". Its own ones are fed back from RUN_IN beats
            before each stretch of wanted beats on, or from the start of the recording.
        wanted: bool (all recordings' beats,).
        advance: Called with (done, total).

    Returns:
        The features, float32 (all recordings' beats, features), zeros where not wanted, and the wanted beats with the
        labels that preceded them.
    """
    examples, total = task.inference_examples(recordings, window), len(recordings.beat_times)
    made, done = np.zeros((total, features), np.float32), 0
    run_in = RUN_IN if labels == "own" else 0
    sums = np.concatenate([[0], np.cumsum(wanted)])
    needed = sums[np.minimum(np.arange(total) + run_in + 1, total)] > sums[:-1]
    examples = examples.take(np.flatnonzero(needed[examples.beats]))

    def one_step(positions, known):
        nonlocal done
        answer = predictor(dataclasses.replace(examples, known=known).batch(positions))
        assert isinstance(answer, dict)
        made[examples.beats[positions]] = answer["fused"]
        done += len(positions)
        advance(done, len(examples))
        return answer["probabilities"]

    if labels == "own" and len(examples):
        begins = (np.diff(examples.beats) != 1) | (np.diff(examples.records) != 0)
        stretches = np.concatenate([[0], np.cumsum(begins)])
        _, known = predict_autoregressively(stretches, examples.beats, total, one_step)
    else:
        known = aami_classes(recordings.beat_symbols) if labels == "true" else np.full(total, UNKNOWN, np.int8)
        for start in range(0, len(examples), BATCH):
            one_step(np.arange(start, min(start + BATCH, len(examples))), known)
    made[~wanted] = 0.0
    kept = examples.take(np.flatnonzero(wanted[examples.beats]))
    return made, dataclasses.replace(kept, known=known)
