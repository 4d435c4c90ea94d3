"""WFDB annotation files (.atr): beats on one side, rhythm intervals on the other.

A rhythm mark "+" says from where on a rhythm holds. It lies between beats and is never one of them: counted as a beat
it would make two ghost RR intervals.
"""

import warnings
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import Beats, RhythmInterval
from ecg_edge.records.record_error import RecordError, describe_error

BEAT_CODES = tuple("NLRBAaJSVrFejnE/fQ?")  # https://archive.physionet.org/physiobank/annotations.shtml


def read_annotations(path: Path, samples: int, crop: bool = False) -> tuple[Beats, tuple[RhythmInterval, ...]]:
    """Beats and rhythm intervals of `path`.atr, for a recording of `samples` samples; the last rhythm lasts to its end.

    A rhythm mark may stand right behind the last sample, to close an episode; `crop` leaves out whatever lies further
    beyond. Raises RecordError where the file is missing, truncated, corrupt or does not fit the recording.
    """
    file = path.with_name(path.name + ".atr")
    if not file.is_file():
        raise RecordError(f"{file} is missing: it holds the beats")
    if file.read_bytes()[-2:] != b"\0\0":  # the format's end mark
        raise RecordError(f"{file} is truncated: it lacks the end mark of an annotation file")
    try:
        with warnings.catch_warnings():  # wfdb's use of pandas is deprecated
            warnings.simplefilter("ignore")
            annotation = import_wfdb().rdann(str(path), "atr")
        at, codes = np.asarray(annotation.sample, np.int64), np.asarray(annotation.symbol, "U1")
        notes = annotation.aux_note
    except Exception as error:  # wfdb answers damaged files with almost any exception
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
