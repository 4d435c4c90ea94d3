"""ISHNE Holter files: 16-bit samples behind a header of fixed layout.

Badilini, "The ISHNE Holter Standard Output File Format", ANE 3(3), 1998. Read here and not by ecgdatakit, which only
warns of a wrong checksum or a truncated file, takes lead faults for values, and holds a day of ECG several times in
float64.
"""

import binascii
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecg_edge.records.formats.lead_signals import FileSignal, make_record, select_leads
from ecg_edge.records.formats.record_format import SingleFileFormat
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError

MAGIC = b"ISHNE1.0"
HEADER_BYTES = 522
LEADS = {
    2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF", 11: "V1", 12: "V2", 13: "V3",
    14: "V4", 15: "V5", 16: "V6", 17: "ES", 18: "AS", 19: "AI",
}  # fmt: skip
FAULT = -32768  # what a recorder writes where an electrode is off
CHUNK_SAMPLES = 2**22


class IshneHeader(NamedTuple):
    """A header: `stated` is its length of the recording in samples, `start` the first byte of the signal."""

    start: int
    stated: int
    leads: tuple[str, ...]
    nanovolts: tuple[int, ...]
    fs: int


class IshneFormat(SingleFileFormat):
    """See the module."""

    name = "ISHNE"
    suffixes = (".ecg", ".ishne")
    shared_suffix = True
    largest_bytes = 2**35

    def recognises(self, head: bytes) -> bool:
        return head[:8] == MAGIC

    def read(self, stem: Path, entry: Entry) -> Record:
        path, size = self.open_main_file(stem)
        header = read_ishne_header(path)
        count = len(header.leads)
        samples, rest = divmod(size - header.start, 2 * count)
        if rest or (samples < header.stated and samples * count != header.stated):  # some count all leads' samples
            raise RecordError(
                f"{path} is truncated: it states {header.stated} samples, and holds {samples} of each lead"
            )
        if samples < 1:
            raise RecordError(f"{path} holds no samples")
        units = ["nV" if resolution > 0 else "" for resolution in header.nanovolts]
        signals = [FileSignal(*pair, header.fs, samples) for pair in zip(header.leads, units, strict=True)]
        columns, millivolts, unit = select_leads(path, signals, entry)
        data = np.memmap(path, "<i2", "r", header.start, (samples, count))
        # Without a resolution the samples are in the unit that the user stated.
        scale = np.array([max(header.nanovolts[i], 1) * mv for i, mv in zip(columns, millivolts, strict=True)])
        signal = np.empty((samples, len(columns)), np.float32)
        for first in range(0, samples, CHUNK_SAMPLES):
            block = data[first : first + CHUNK_SAMPLES, columns]
            signal[first : first + CHUNK_SAMPLES] = np.where(block == FAULT, np.nan, block * scale)
        return make_record(path, [header.leads[i] for i in columns], signal, header.fs, entry, unit)

    def check_files(self, stem: Path) -> list[str]:
        """More samples than the header states."""
        path, size = self.open_main_file(stem)
        header = read_ishne_header(path)
        samples = (size - header.start) // (2 * len(header.leads))
        if header.stated in (samples, samples * len(header.leads)):
            return []
        return [f"wrong length: {samples - header.stated} samples more than the header says"]


def read_ishne_header(path: str) -> IshneHeader:
    """Read the header of an ISHNE file.

    Args:
        path: The file.

    Returns:
        The header, its numbers verified.

    Raises:
        RecordError: It is truncated, damaged by its checksum, or holds an impossible number.
    """
    with open(path, "rb") as file:
        fixed = file.read(HEADER_BYTES)
        if len(fixed) < HEADER_BYTES:
            raise RecordError(f"{path} is truncated: it ends within its header")
        checksum, variable, stated = struct.unpack_from("<Hii", fixed, 8)
        size = file.seek(0, 2)
        if not 0 <= variable <= size - HEADER_BYTES:
            raise RecordError(f"{path} is damaged: its header states a block of {variable} bytes")
        file.seek(HEADER_BYTES)
        computed = binascii.crc_hqx(fixed[10:], 0xFFFF)
        remaining = variable
        while remaining and (piece := file.read(min(remaining, 2**20))):
            computed, remaining = binascii.crc_hqx(piece, computed), remaining - len(piece)
    if checksum and checksum not in (computed, (computed & 255) << 8 | computed >> 8):  # in either order of bytes
        raise RecordError(f"{path} is damaged: its header does not have the checksum that it states")
    (count,), (fs,) = struct.unpack_from("<h", fixed, 156), struct.unpack_from("<h", fixed, 272)
    codes, nanovolts = struct.unpack_from("<12h", fixed, 158), struct.unpack_from("<12h", fixed, 206)
    if not 1 <= count <= 12 or fs < 1 or stated < 0:
        raise RecordError(f"{path} is damaged: it states {count} leads, {fs} Hz and {stated} samples")
    names = tuple(LEADS.get(code, f"channel {i}") for i, code in enumerate(codes[:count], start=1))
    return IshneHeader(HEADER_BYTES + variable, stated, names, nanovolts[:count], fs)
