"""WFDB annotation files (.atr): beats and rhythm intervals.

https://physionet.org/physiotools/wag/annot-5.htm. A rhythm mark "+" states the rhythm from its sample on. It lies
between beats and is not a beat: counted as one, it would make two RR intervals that do not exist.
"""

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import Beats, Record, RhythmInterval
from ecg_edge.records.record_error import RecordError, describe_error

BEAT_CODES = tuple("NLRBAaJSVrFejnE/fQ?")  # https://archive.physionet.org/physiobank/annotations.shtml


def add_annotations(record: Record, stem: Path, crop: bool = False, rhythm_codes: Mapping[str, str] = {}) -> Record:
    """Add the beats and rhythm intervals of an annotation file to a recording.

    Args:
        record: The recording, with or without its signal.
        stem: The path of the annotation file without ".atr".
        crop: Leave out annotations beyond the recording's end instead of raising an error.
        rhythm_codes: The file's own rhythm codes → those of `record.RHYTHM_CODES`, where they differ.

    Returns:
        The recording with beats and rhythms.

    Raises:
        RecordError: The file is missing, truncated, corrupt or does not fit the recording.
    """
    beats, rhythms = read_annotations(stem, record.samples, crop)
    rhythms = tuple(dataclasses.replace(own, rhythm=rhythm_codes.get(own.rhythm, own.rhythm)) for own in rhythms)
    return dataclasses.replace(record, beats=beats, rhythms=rhythms)


def read_annotations(stem: Path, samples: int, crop: bool = False) -> tuple[Beats, tuple[RhythmInterval, ...]]:
    """Read an annotation file.

    A rhythm mark may stand right behind the last sample, to end an episode.

    Args:
        stem: The file's path without ".atr".
        samples: The length of the recording. The last rhythm lasts to its end.
        crop: Leave out annotations beyond the recording's end instead of raising an error.

    Returns:
        The beats and the rhythm intervals, both in time order.

    Raises:
        RecordError: The file is missing, truncated, corrupt or does not fit the recording.
    """
    file = stem.with_name(stem.name + ".atr")
    if not file.is_file():
        raise RecordError(f"{file} is missing: it holds the beats")
    if file.read_bytes()[-2:] != b"\0\0":  # the format's end mark
        raise RecordError(f"{file} is truncated: it lacks the end mark of an annotation file")
    try:
        with warnings.catch_warnings():  # wfdb's use of pandas is deprecated
            warnings.simplefilter("ignore")
            annotation = import_wfdb().rdann(str(stem), "atr")
        at, codes = np.asarray(annotation.sample, np.int64), np.asarray(annotation.symbol, "U1")
        notes = annotation.aux_note
    except Exception as error:  # wfdb raises almost any exception for damaged files
        raise RecordError(f"{file} is truncated or corrupt: {describe_error(error)}") from None
    inside = at < samples + (codes == "+")
    if len(at) and (at[0] < 0 or (np.diff(at) < 0).any() or not (crop or inside.all())):
        raise RecordError(f"{file} is corrupt: annotations out of order, or beyond the recording's {samples} samples")

    is_beat = inside & np.isin(codes, BEAT_CODES)
    marks = [(int(at[i]), (notes[i] or "").strip("\0 ")) for i in np.flatnonzero(inside & (codes == "+"))]
    marks = [(start, note[1:]) for start, note in marks if note.startswith("(")]
    stops = [start for start, _ in marks[1:]] + [samples]  # without any mark one more than needed
    rhythms = [RhythmInterval(start, stop, name) for (start, name), stop in zip(marks, stops, strict=False)]
    return Beats(at[is_beat], codes[is_beat]), tuple(rhythm for rhythm in rhythms if rhythm.start < rhythm.stop)
