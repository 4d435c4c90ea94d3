"""What a device would say of a recording: beats by its own R peaks, and rhythms with onset and end."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.api.live_signal import LiveSource
from ecg_edge.api.prediction_result import FailedPrediction
from ecg_edge.api.replay import Replay
from ecg_edge.records.record_error import describe_error
from ecg_edge.reporter import Reporter
from ecg_edge.zoo import find_model
from firmware_bench.front_end.beat_path import BeatPath, BeatSource, DeviceBeat, DeviceRhythm
from firmware_bench.front_end.qrs_detector import FS
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.streaming_model import RawModel


@dataclasses.dataclass(frozen=True)
class RhythmEpisode:
    """A stretch of one rhythm.

    Attributes:
        onset_s: Its beginning, s.
        end_s: Its end, s.
        label: The rhythm; None where the device has none to state.
        quality: What was wrong with the signal.
    """

    onset_s: float
    end_s: float
    label: str | None
    quality: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class DevicePrediction:
    """What a device says of a recording.

    Attributes:
        beats: Each with its R peak in s ("time_s"), "label", "quality", and in s when it is known ("said_s").
        episodes: Rhythms with onset and end, in order of time.
    """

    beats: list[dict[str, Any]]
    episodes: list[RhythmEpisode]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `ecg-edge predict --device --json` prints it."""
        return dataclasses.asdict(self)


def predict_on_device(
    model: Path | str, source: LiveSource, reporter: Reporter | None = None, detector: BeatSource | None = None
) -> DevicePrediction:
    """Say what a device with a beat classifier and a rhythm model would say of a recording.

    The counts go through causal filters in integers and a QRS detector, and the files through LiteRT. Labels before a
    beat are the classifier's own.

    Args:
        model: The .tflite file of a model that takes features of beats; the classifier's file lies beside it.
        source: The signal, such as `Replay(record, speed="max")`.
        reporter: Receives messages, and as progress of "signal" its seconds so far.
        detector: What finds the R peaks; None: the device's QRS detector.

    Returns:
        The beats and the rhythms.

    Raises:
        InputError: The files are no pair or were not trained with causal preprocessing, or the signal cannot be read.

    Examples:
        >>> ecg_edge.predict_on_device("rhythm.tflite", ecg_edge.Replay("data/mitdb/201", speed="max")).episodes
    """
    return _predict(_load_pair(model), source, reporter or Reporter(), detector)


def predict_records_on_device(
    model: Path | str, records: Sequence[Path], reporter: Reporter, **stated: Any
) -> tuple[list[dict[str, Any]], list[FailedPrediction]]:
    """Say what a device would say of recordings; one that fails does not keep the others from being predicted.

    Args:
        model: As for `predict_on_device`.
        records: The recordings, in any format that ecg_edge.records reads.
        reporter: As for `predict_on_device`.
        **stated: As for `Replay`.

    Returns:
        Of each recording plain data, "record" and the fields of DevicePrediction; and those that failed.

    Raises:
        InputError: The files cannot be read, or are no pair.
    """
    pair, found, failed = _load_pair(model), [], []
    for record in records:
        try:
            prediction = _predict(pair, Replay(record, "max", **stated), reporter)
            found.append({"record": str(record), **prediction.to_dict()})
        except InputError as error:
            failed.append(FailedPrediction(str(record), str(error)))
        except Exception as error:  # of a reader, which any file may surprise
            failed.append(FailedPrediction(str(record), f"{record} cannot be predicted: {describe_error(error)}"))
    return found, failed


def _load_pair(model: Path | str) -> tuple[Path, RawModel, RawModel]:
    """The rhythm model's file, that model, and its beat classifier."""
    path = find_model(model)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name an exported .tflite file, as ecg-edge export writes it")
    rhythm = _load(path)
    if not rhythm.metadata.embedder:
        raise InputError(f"{path} takes no features of beats: ecg-edge live --replay says what a device would say")
    return path, rhythm, _load(path.parent / rhythm.metadata.embedder.file)


def _load(path: Path):
    from firmware_bench.model_trial import try_model
    from firmware_bench.runtime.tflite_model import TFLiteModel
    from firmware_bench.runtime.tflite_reader import read_model_file

    data = read_model_file(path)
    try_model(data, str(path))
    return TFLiteModel(data)


def _predict(
    pair: tuple[Path, RawModel, RawModel], source: LiveSource, reporter: Reporter, detector: BeatSource | None = None
) -> DevicePrediction:
    path, rhythm, classifier = pair
    signal = source.open(rhythm.metadata, reporter)
    try:
        device = BeatPath(rhythm, classifier, signal.sensor, detector)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    beats, rhythms, done = [], [], 0
    for block in signal.blocks:
        for event in device.push(block):
            if isinstance(event, DeviceBeat):
                said = round(event.sample / signal.fs, 3)
                about = {"label": event.label, "quality": list(event.quality), "said_s": said}
                beats.append({"time_s": round(event.peak / FS, 3), **about})
            else:
                rhythms.append(event)
        done += len(block)
        reporter.progress("signal", int(done / signal.fs), round(signal.seconds or 0))
    return DevicePrediction(beats, merge_episodes(rhythms, rhythm.metadata.fs))


def merge_episodes(rhythms: Iterable[DeviceRhythm], fs: float) -> list[RhythmEpisode]:
    """Merge rhythms that follow each other with one label.

    Windows overlap. From one to the next, the rhythm changes in the middle of what they share; a rhythm whose signal
    had faults is an episode without a label.

    Args:
        rhythms: In order of time.
        fs: The model's rate, Hz.

    Returns:
        Episodes without gaps from the first window's start to the last one's end.
    """
    episodes: list[RhythmEpisode] = []
    stop = 0
    for rhythm in rhythms:
        label = None if rhythm.quality else rhythm.label
        end = round(rhythm.stop / fs, 3)
        if episodes and episodes[-1].label == label:
            quality = tuple(dict.fromkeys((*episodes[-1].quality, *rhythm.quality)))
            episodes[-1] = dataclasses.replace(episodes[-1], end_s=end, quality=quality)
        else:
            onset = round((rhythm.start + stop) / 2 / fs, 3) if episodes else round(rhythm.start / fs, 3)
            if episodes:
                episodes[-1] = dataclasses.replace(episodes[-1], end_s=onset)
            episodes.append(RhythmEpisode(onset, end, label, rhythm.quality))
        stop = rhythm.stop
    return episodes
