"""WFDB annotation files (.atr and others): beats and rhythm intervals.

https://physionet.org/physiotools/wag/annot-5.htm. A rhythm mark "+" states the rhythm from its sample on. It lies
between beats and is not a beat: counted as one, it would make two RR intervals that do not exist.

The format has no checksum. All that it can tell of damage is refused here: an unknown code, a length beyond the file's
end, times out of order or beyond the recording; a SHA256SUMS.txt beside the recordings tells the rest
(`ecg_edge.records.sha256_sums`).
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.wfdb_header import read_header_file
from ecg_edge.records.formats.wfdb_layout import read_layout
from ecg_edge.records.record import Beats, Record, RhythmInterval
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.regular_file import read_regular_file
from ecg_edge.records.signal_description import HIGHEST_FS

BEAT_CODES = tuple("NLRBAaJSVrFejnE/fQ?")  # https://archive.physionet.org/physiobank/annotations.shtml
# Codes of the file format, ecgcodes.h of the WFDB library. 0 is "not a QRS complex".
SYMBOLS = {
    code: symbol
    for first, symbols in ((0, " NLRaVFJASEj/Q~"), (16, "|"), (18, 'sT*D"=pB^t+u?![]en@xf()r'))
    for code, symbol in enumerate(symbols, start=first)
}
NOTE, RHYTHM, LAST_CODE = 22, 28, 49
SKIP, TEXT = 59, 63  # no annotations: the codes after SKIP add a number, subtype, channel or text to the one before
TIME_RESOLUTION = re.compile(r"## time resolution: (\d+\.?\d*(?:[eE][+-]?\d+)?)")
DEFINITION = re.compile(r"(\d{1,2}) \S+.*")
MAXIMUM_BYTES = 256 * 2**20
MAXIMUM_TICK = 2**40


@dataclasses.dataclass(frozen=True)
class Annotations:
    """The content of an annotation file.

    Attributes:
        ticks: int64 (n,), their times in ticks of the file, in order.
        symbols: (n,), as WFDB prints the codes; " " for codes that the file defines itself.
        texts: Position of an annotation → the text that belongs to it.
        tick_rate: Ticks per second where the file states them, else None.
    """

    ticks: np.ndarray
    symbols: np.ndarray
    texts: Mapping[int, str]
    tick_rate: float | None


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
    beats, rhythms = read_annotations(stem, record.samples, crop, "atr", fibrillation_marks, record.fs)
    rhythms = tuple(dataclasses.replace(own, rhythm=rhythm_codes.get(own.rhythm, own.rhythm)) for own in rhythms)
    return dataclasses.replace(record, beats=beats, rhythms=rhythms)


def read_annotations(
    stem: Path,
    samples: int,
    crop: bool = False,
    suffix: str = "atr",
    fibrillation_marks: bool = False,
    fs: float | None = None,
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
        fs: The recording's sampling rate in Hz; by default that of the WFDB header beside the file. Times are in frames
            of that header, or in ticks that the file states, and become samples of the recording.

    Returns:
        The beats and the rhythm intervals, both in time order.

    Raises:
        RecordError: The file is missing, truncated, corrupt or does not fit the recording.
    """
    file = stem.with_name(f"{stem.name}.{suffix}")
    if not file.exists():
        raise RecordError(f"{file} is missing: it holds the beats")
    content = parse_annotations(file, read_regular_file(file, MAXIMUM_BYTES))
    at, codes = _convert_to_samples(content, stem, fs), content.symbols
    inside = at < samples + (codes == "+")
    if not (crop or inside.all()):
        raise RecordError(f"{file} is corrupt: annotations beyond the recording's {samples} samples")
    is_beat = inside & np.isin(codes, BEAT_CODES)
    marks = []
    for position in np.flatnonzero(inside & np.isin(codes, ["+", "[", "]"] if fibrillation_marks else ["+"])).tolist():
        text = content.texts.get(position, "")
        name = {"[": "VF", "]": ""}.get(str(codes[position]), text[1:] if text.startswith("(") else "")
        if not marks or marks[-1][1] != "VF" or name != "VF":  # "[" repeats a mark "(VF"
            marks.append((int(at[position]), name))
    stops = [start for start, _ in marks[1:]] + [samples]  # without any mark one more than needed
    rhythms = [RhythmInterval(start, stop, name) for (start, name), stop in zip(marks, stops, strict=False) if name]
    return Beats(at[is_beat], codes[is_beat]), tuple(rhythm for rhythm in rhythms if rhythm.start < rhythm.stop)


def unclassify(beats: Beats) -> Beats:
    """The same beats without their classes ("?"): of a detector, or of people who marked every beat as N."""
    return Beats(beats.samples, np.full(len(beats.samples), "?"))


def _convert_to_samples(content: Annotations, stem: Path, fs: float | None) -> np.ndarray:
    """The annotations' times in samples of the recording, int64."""
    tick_rate = content.tick_rate
    if stem.with_name(f"{stem.name}.hea").is_file():
        fs = fs or read_layout(stem).fs
        tick_rate = tick_rate or read_header_file(stem).frame_rate
    if not fs or not tick_rate or fs == tick_rate:
        return content.ticks
    return np.round(content.ticks * (fs / tick_rate)).astype(np.int64)


def parse_annotations(file: Path, content: bytes) -> Annotations:
    """Parse the content of an annotation file.

    Args:
        file: The file, for messages.
        content: Its bytes.

    Returns:
        The annotations.

    Raises:
        RecordError: It is truncated or corrupt.
    """
    if content[-2:] != b"\0\0":
        raise RecordError(f"{file} is truncated: it lacks the end mark of an annotation file")
    if len(content) % 2:
        raise RecordError(f"{file} is corrupt: annotations take an even number of bytes, and it has {len(content)}")
    words = np.frombuffer(content, "<u2").tolist()
    ticks, codes, texts = [], [], {}
    now = position = 0
    while (word := words[position]) != 0:
        code, value = word >> 10, word & 0x3FF
        position += 1
        if code < SKIP:
            now += value
            ticks.append(now)
            codes.append(code)
        elif code == SKIP:
            following = words[position + 2] if position + 2 < len(words) else 0
            if value or following == 0 or following >> 10 > SKIP:
                raise RecordError(f"{file} is corrupt: a skip at byte {2 * position - 2} precedes no annotation")
            skip = words[position] << 16 | words[position + 1]
            now += skip - (skip >> 31 << 32)  # two's complement
            position += 2
        elif not codes:
            raise RecordError(f"{file} is corrupt: it begins with a property of no annotation")
        elif code == TEXT:
            text = content[2 * position : 2 * position + value]
            position += (value + 1) // 2
            if position >= len(words):
                raise RecordError(f"{file} is truncated or corrupt: a text reaches beyond its end")
            texts[len(codes) - 1] = text.rstrip(b"\0 ").lstrip(b" ").decode("latin-1")
    if any(words[position:]):
        raise RecordError(f"{file} is corrupt: it goes on after the end mark at byte {2 * position}")
    if ticks and (min(ticks) < 0 or max(ticks) > MAXIMUM_TICK or (np.diff(np.array(ticks, np.int64)) < 0).any()):
        raise RecordError(f"{file} is corrupt: annotations out of order, or beyond any recording")
    return _verify(file, np.array(ticks, np.int64), np.array(codes, np.int64), texts)


def _verify(file: Path, ticks: np.ndarray, codes: np.ndarray, texts: dict[int, str]) -> Annotations:
    """Raise RecordError for codes and texts that no annotation file of a recording has."""
    defined = _find_definitions(codes, texts)
    if unknown := sorted(set(codes.tolist()) - SYMBOLS.keys() - defined):
        raise RecordError(f"{file} is corrupt: annotations of unknown codes ({', '.join(map(str, unknown[:5]))})")
    for position in np.flatnonzero(codes == RHYTHM).tolist():
        text = texts.get(position, "")
        if not text.isprintable() or (not text.startswith("(") and text not in ("", ")")):  # these end a rhythm
            raise RecordError(f"{file} is corrupt: {text!r} is no rhythm, which begins with a parenthesis")
    rates = [match[1] for position, text in texts.items() if ticks[position] == 0 and codes[position] == NOTE
             and (match := TIME_RESOLUTION.fullmatch(text))]  # fmt: skip
    if len({float(rate) for rate in rates}) > 1 or not all(0 < float(rate) <= HIGHEST_FS for rate in rates):
        raise RecordError(f"{file} is corrupt: a time resolution of {' and '.join(rates)} Hz")
    symbols = np.array([SYMBOLS.get(code, " ") for code in range(SKIP)], "U1")[codes]
    return Annotations(ticks, symbols, texts, float(rates[0]) if rates else None)


def _find_definitions(codes: np.ndarray, texts: dict[int, str]) -> set[int]:
    """The codes that a file defines itself, in notes between two marks at its start."""
    defined, inside = set(), False
    for position, text in texts.items():
        if codes[position] != NOTE or text == "## end of definitions":
            break
        if inside and (match := DEFINITION.fullmatch(text)) and int(match[1]) <= LAST_CODE:
            defined.add(int(match[1]))
        inside = inside or text == "## annotation type definitions"
    return defined
