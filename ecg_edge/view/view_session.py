"""What the page shows: recordings as they are chosen, and what a model says of them, kept for the next pan."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ecg_edge.api.explanation import Explanation, explain_record
from ecg_edge.api.prediction import EcgModel, load
from ecg_edge.api.prediction_result import Prediction, Reconstruction
from ecg_edge.records.formats.format_registry import find_format, list_recordings, read_record
from ecg_edge.records.record import Record
from ecg_edge.records.signal_description import SignalDescription
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.view.envelope import Envelope
from ecg_edge.zoo import list_models
from firmware_bench.runtime.errors import InputError

KEPT = 2  # recordings in memory: the one on the page, and the one before it


@dataclasses.dataclass(frozen=True)
class OpenRecording:
    """A recording on the page.

    Attributes:
        record: The recording.
        envelope: Its signal, ready to be drawn.
    """

    record: Record
    envelope: Envelope


class ViewSession:
    """Recordings by name, models by name, and what was read and predicted last.

    Args:
        model: As for `ecg_edge.load`.
        places: Recordings, or folders of recordings.
        stated: What is stated about files that do not say it themselves.

    Raises:
        InputError: The model cannot be loaded, a recording is missing, or a folder has none.
    """

    def __init__(self, model: Path | str, places: Sequence[Path | str], stated: SignalDescription):
        self._stated = stated
        self.models = list(dict.fromkeys([str(model), *list_models()]))
        self.open_recording = functools.lru_cache(KEPT)(self._open_recording)
        self.load_model = functools.lru_cache(KEPT)(load)
        self.predict = functools.lru_cache(KEPT)(self._predict)
        self.reconstruct = functools.lru_cache(KEPT)(self._reconstruct)
        self.load_model(str(model))
        self.recordings = _list_places(places)

    def _open_recording(self, name: str) -> OpenRecording:
        record = read_record(Path(self._require(name)), stated=self._stated)
        if record.signal is None:
            raise InputError(f"{name} has annotations alone, no signal")
        return OpenRecording(record, Envelope(record.signal, record.fs))

    def _predict(self, name: str, model: str) -> Prediction:
        record, loaded = self.open_recording(name).record, self._model(model)
        assert record.signal is not None
        return loaded.predict(record.signal, record.fs, record.leads, record.units, name)

    def _reconstruct(self, name: str, model: str) -> Reconstruction | None:
        record, loaded = self.open_recording(name).record, self._model(model)
        if loaded.task.output != "reconstruction":
            return None
        assert record.signal is not None
        return loaded.reconstruct(record.signal, record.fs, record.leads, record.units, name)

    def _model(self, name: str) -> EcgModel:
        if name not in self.models:
            raise InputError(f"{name} is none of the models of this page")
        return self.load_model(name)

    def _require(self, name: str) -> str:
        """The path of a recording of the list: the page may ask for no other file."""
        if name not in self.recordings:
            raise InputError(f"{name} is none of the recordings of this page")
        return self.recordings[name]

    def explain(self, name: str, model: str, start_s: float, seconds: float) -> Explanation:
        """Explain what a model says about a part of a recording taken by itself: by integrated gradients of a run, by
        occlusion of a file.

        Args:
            name: Of the recording.
            model: Of the model.
            start_s, seconds: The part, s.
        """
        record, loaded = self.open_recording(name).record, self._model(model)
        assert record.signal is not None
        first = max(0, int(start_s * record.fs))
        signal = record.signal[first : first + round(seconds * record.fs)]
        part = dataclasses.replace(record, signal=signal, beats=None, rhythms=())
        is_file = not isinstance(loaded.predictor, KerasPredictor)
        return explain_record(loaded, part, "occlusion" if is_file else "gradients")


def _list_places(places: Sequence[Path | str]) -> dict[str, str]:
    """Name → path of each recording in folders, and of those that are named themselves: the file's name where no other
    recording has it, otherwise the path."""
    paths = []
    for place in map(Path, places):
        inside = list_recordings(place) if place.is_dir() else None
        if inside is None:
            record_format, stem = find_format(place)
            if not Path(main := record_format.main_file(stem)).is_file():
                raise InputError(f"{main} is missing")
        if inside == []:
            raise InputError(f"{place} has no recordings: name a recording, or a folder of recordings")
        paths += [str(place / name) for name in inside] if inside else [str(place)]
    paths = list(dict.fromkeys(paths))
    short = Counter(Path(path).name for path in paths)
    return {Path(path).name if short[Path(path).name] == 1 else path: path for path in paths}
