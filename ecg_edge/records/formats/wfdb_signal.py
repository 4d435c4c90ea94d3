"""WFDB signal files: samples in ADC units, in every format of https://physionet.org/physiotools/wag/signal-5.htm.

The wfdb package has no public function that decodes a file whose header it did not parse itself, and its own parser
skips what it does not know. A file is read in blocks of frames, so that a day of twelve leads is never held twice.
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.wfdb_header import NULL_FORMAT, NULL_NAME, SignalLine
from ecg_edge.records.record_error import RecordError, describe_error
from ecg_edge.records.regular_file import open_regular_file

BLOCK_SAMPLES = 2**18
# Samples are packed in groups: format → (samples, bytes) of a group.
PACKING = {8: (1, 1), 16: (1, 2), 24: (1, 3), 32: (1, 4), 61: (1, 2), 80: (1, 1), 160: (1, 2), 212: (2, 3),
           310: (3, 4), 311: (3, 4)}  # fmt: skip
# Bytes of an incomplete group at the end of a file: format → for 0, 1, 2 samples.
INCOMPLETE = {212: (0, 2), 310: (0, 2, 4), 311: (0, 2, 3)}
FLAC_BITS = {508: 8, 516: 16, 524: 24}
FLAC_SUBTYPES = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}
INVALID = {16: -(2**15), 24: -(2**23), 32: -(2**31), 61: -(2**15), 80: -(2**7), 160: -(2**15), 212: -(2**11),
           310: -(2**9), 311: -(2**9), 508: -(2**7), 516: -(2**15), 524: -(2**23)}  # fmt: skip
SAMPLE_BITS = {8: 32, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10, 508: 8, 516: 16,
               524: 24}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SignalFile:
    """A signal file and the signals whose samples alternate in it.

    Attributes:
        path: The file.
        signals: Those of the header that share it, in order.
        first: The position of the first of them in the header.
    """

    path: Path
    signals: tuple[SignalLine, ...]
    first: int

    @property
    def format(self) -> int:
        """The format that its signals share."""
        return self.signals[0].format

    @property
    def frame_samples(self) -> int:
        """Samples of all its signals in a frame."""
        return sum(signal.samples_per_frame for signal in self.signals)

    @property
    def columns(self) -> list[slice]:
        """Where each signal lies in a frame."""
        ends = np.cumsum([signal.samples_per_frame for signal in self.signals])
        return [slice(int(end) - s.samples_per_frame, int(end)) for end, s in zip(ends, self.signals, strict=True)]


def list_signal_files(folder: Path, signals: Sequence[SignalLine]) -> list[SignalFile]:
    """Group the signals of a header by file; those without a file are left out."""
    files, first = [], 0
    for name, group in itertools.groupby(signals, lambda signal: signal.file):
        own = tuple(group)
        if name != NULL_NAME and own[0].format != NULL_FORMAT:
            files.append(SignalFile(folder / name, own, first))
        first += len(own)
    return files


def count_frames(file: SignalFile) -> int:
    """Count the whole frames in a signal file by its size.

    Raises:
        RecordError: It is missing, no regular file, or not in the header's format.
    """
    with open_regular_file(file.path) as opened:
        if file.format in FLAC_BITS:
            with _open_flac(file, opened) as sound:
                return max(0, sound.frames - file.signals[0].offset) // file.signals[0].samples_per_frame
        size = max(0, os.fstat(opened.fileno()).st_size - file.signals[0].offset)
    samples, group = PACKING[file.format]
    rest = max((n for n, needed in enumerate(INCOMPLETE.get(file.format, (0,))) if needed <= size % group), default=0)
    return (size // group * samples + rest) // file.frame_samples


def read_frames(file: SignalFile, frames: int) -> Iterator[np.ndarray]:
    """Read the first frames of a signal file, block by block.

    Args:
        file: The file.
        frames: How many; the caller has compared it with `count_frames`.

    Yields:
        Integers (frames of the block, frame_samples) in ADC units.

    Raises:
        RecordError: The file ends early or cannot be decoded.
    """
    step = max(6, BLOCK_SAMPLES // file.frame_samples // 6 * 6)  # whole groups of 2 and 3 samples
    with open_regular_file(file.path) as opened:
        if file.format in FLAC_BITS:
            blocks = _read_flac(file, opened, frames, step)
        else:
            blocks = _read_packed(file, opened, frames, step)
        yield from blocks if file.format != 8 else _add_differences(file, blocks)


def _read_packed(file: SignalFile, opened, frames: int, step: int) -> Iterator[np.ndarray]:
    opened.seek(file.signals[0].offset)
    group_samples, group_bytes = PACKING[file.format]
    for start in range(0, frames, step):
        samples = min(step, frames - start) * file.frame_samples
        groups, rest = divmod(samples, group_samples)
        size = groups * group_bytes + INCOMPLETE.get(file.format, (0,))[rest]
        content = opened.read(size)
        if len(content) < size:
            raise RecordError(f"{file.path} is truncated or corrupt: it ends at frame {start} of {frames} or after it")
        decoded = _decode(file.format, content + bytes(-size % group_bytes))[:samples]
        yield decoded.reshape(-1, file.frame_samples)


def _decode(form: int, content: bytes) -> np.ndarray:
    """The samples in whole groups of bytes."""
    if form in (8, 16, 32, 61):
        return np.frombuffer(content, {8: "<i1", 16: "<i2", 32: "<i4", 61: ">i2"}[form])
    if form in (80, 160):
        return np.frombuffer(content, {80: "<u1", 160: "<u2"}[form]).astype(np.int32) + INVALID[form]
    if form == 310:  # bits 1 to 10 of two words, and bits 11 to 15 of both
        words = np.frombuffer(content, "<u2").astype(np.int32).reshape(-1, 2)
        third = (words[:, 0] >> 11) | (words[:, 1] >> 11 << 5)
        return _extend_sign(np.column_stack([words >> 1 & 0x3FF, third]), 10)
    if form == 311:
        words = np.frombuffer(content, "<u4")
        return _extend_sign(np.column_stack([words, words >> 10, words >> 20]).astype(np.int64) & 0x3FF, 10)
    triples = np.frombuffer(content, np.uint8).astype(np.int32).reshape(-1, 3)
    low, middle, high = triples.T
    if form == 24:
        return _extend_sign(low | middle << 8 | high << 16, 24)
    return _extend_sign(np.column_stack([low | (middle & 0xF) << 8, high | middle >> 4 << 8]), 12)  # 212


def _extend_sign(values: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement numbers of `bits` bits as integers, in one dimension."""
    sign = 1 << (bits - 1)
    return ((values ^ sign) - sign).ravel()


def _add_differences(file: SignalFile, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Format 8 stores the difference of each sample to the one before it in its signal."""
    last = [signal.initial or 0 for signal in file.signals]
    for block in blocks:
        absolute = np.empty(block.shape, np.int64)
        for position, column in enumerate(file.columns):
            sums = last[position] + block[:, column].cumsum(dtype=np.int64)
            absolute[:, column] = sums.reshape(absolute[:, column].shape)
            last[position] = int(sums[-1])
        yield absolute


def _open_flac(file: SignalFile, opened):
    """The FLAC stream in an open file. Raises RecordError where it does not fit the header."""
    import soundfile

    try:
        sound = soundfile.SoundFile(opened)
    except Exception as error:  # soundfile's own errors, and those of broken streams
        raise RecordError(f"{file.path} is truncated or corrupt: {describe_error(error)}") from None
    bits = FLAC_SUBTYPES.get(sound.subtype)
    per_frame = {signal.samples_per_frame for signal in file.signals}
    if sound.format != "FLAC" or bits is None or bits > FLAC_BITS[file.format]:
        why = f"it is {sound.format} {sound.subtype}"
    elif sound.channels != len(file.signals):
        why = f"it has {sound.channels} channels"
    elif len(per_frame) > 1:
        why = "its signals differ in samples per frame"
    else:
        return sound
    sound.close()
    raise RecordError(f"{file.path} is truncated or corrupt, or its header does not describe it: {why}")


def _read_flac(file: SignalFile, opened, frames: int, step: int) -> Iterator[np.ndarray]:
    per_frame, channels = file.signals[0].samples_per_frame, len(file.signals)
    with _open_flac(file, opened) as sound:
        shift = 32 - FLAC_SUBTYPES[sound.subtype]  # soundfile scales every resolution to 32 bits
        try:
            sound.seek(file.signals[0].offset)
            for start in range(0, frames, step):
                wanted = min(step, frames - start) * per_frame
                block = sound.read(wanted, "int32", always_2d=True)
                if len(block) < wanted:
                    raise RecordError(f"it ends after {start * per_frame + len(block)} samples")
                # A frame holds all samples of a signal, then those of the next.
                frame_order = np.right_shift(block, shift).reshape(-1, per_frame, channels).transpose(0, 2, 1)
                yield frame_order.reshape(-1, per_frame * channels)
        except Exception as error:
            raise RecordError(f"{file.path} is truncated or corrupt: {describe_error(error)}") from None
