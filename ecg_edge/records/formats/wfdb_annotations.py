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


def add_annotations(
    record: Record,
    stem: Path,
    crop: bool = False,
    rhythm_codes: Mapping[str, str] = {},
    fibrillation_marks: bool = False,
) -> Record:
    """Add the beats and rhythm intervals of an annotation file to a recording.

    Args:
        record: The recording, with or without its signal.
        stem: The path of the annotation file without ".atr".
        crop: Leave out annotations beyond the recording's end instead of raising an error.
        rhythm_codes: The file's own rhythm codes → those of `record.RHYTHM_CODES`, where they differ.
        fibrillation_marks: As for `read_annotations`.

    Returns:
        The recording with beats and rhythms.

    Raises:
        RecordError: The file is missing, truncated, corrupt or does not fit the recording.
    """
    beats, rhythms = read_annotations(stem, record.samples, crop, fibrillation_marks=fibrillation_marks)
    rhythms = tuple(dataclasses.replace(own, rhythm=rhythm_codes.get(own.rhythm, own.rhythm)) for own in rhythms)
    return dataclasses.replace(record, beats=beats, rhythms=rhythms)


def read_annotations(
    stem: Path, samples: int, crop: bool = False, suffix: str = "atr", fibrillation_marks: bool = False
) -> tuple[Beats, tuple[RhythmInterval, ...]]:
    """Read an annotation file.

    A rhythm lasts to the next mark: a mark that names no rhythm ends it. A mark may stand right behind the last sample,
    to end an episode.

    Args:
        stem: The file's path without its suffix.
        samples: The length of the recording. The last rhythm lasts to its end.
        crop: Leave out annotations beyond the recording's end instead of raising an error.
        suffix: "atr", or "qrs" for the beats of an automated detector.
        fibrillation_marks: Ventricular fibrillation ("VF") lasts from "[" to "]", or to the recording's end.

    Returns:
        The beats and the rhythm intervals, both in time order.

    Raises:
        RecordError: The file is missing, truncated, corrupt or does not fit the recording.
    """
    file = stem.with_name(f"{stem.name}.{suffix}")
    if not file.is_file():
        raise RecordError(f"{file} is missing: it holds the beats")
    if file.read_bytes()[-2:] != b"\0\0":  # the format's end mark
        raise RecordError(f"{file} is truncated: it lacks the end mark of an annotation file")
    try:
        with warnings.catch_warnings():  # wfdb's use of pandas is deprecated
            warnings.simplefilter("ignore")
            annotation = import_wfdb().rdann(str(stem), suffix)
        at, codes = np.asarray(annotation.sample, np.int64), np.asarray(annotation.symbol, "U1")
        notes = annotation.aux_note
    except Exception as error:  # wfdb raises almost any exception for damaged files
        raise RecordError(f"{file} is truncated or corrupt: {describe_error(error)}") from None
    inside = at < samples + (codes == "+")
    if len(at) and (at[0] < 0 or (np.diff(at) < 0).any() or not (crop or inside.all())):
        raise RecordError(f"{file} is corrupt: annotations out of order, or beyond the recording's {samples} samples")

    is_beat = inside & np.isin(codes, BEAT_CODES)
    marks = []
    for position in np.flatnonzero(inside & np.isin(codes, ["+", "[", "]"] if fibrillation_marks else ["+"])):
        note = (notes[position] or "").strip("\0 ")
        name = {"[": "VF", "]": ""}.get(str(codes[position]), note[1:] if note.startswith("(") else "")
        if not marks or marks[-1][1] != "VF" or name != "VF":  # "[" repeats a mark "(VF"
            marks.append((int(at[position]), name))
    stops = [start for start, _ in marks[1:]] + [samples]  # without any mark one more than needed
    rhythms = [RhythmInterval(start, stop, name) for (start, name), stop in zip(marks, stops, strict=False) if name]
    return Beats(at[is_beat], codes[is_beat]), tuple(rhythm for rhythm in rhythms if rhythm.start < rhythm.stop)


def unclassify(beats: Beats) -> Beats:
    """The same beats without their classes ("?"): of a detector, or of people who marked every beat as N."""
    return Beats(beats.samples, np.full(len(beats.samples), "?"))
