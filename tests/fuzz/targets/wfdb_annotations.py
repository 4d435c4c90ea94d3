"""WFDB annotation files: beats and rhythms without a checksum."""

import numpy as np

from ecg_edge.records.formats.wfdb_annotations import BEAT_CODES, read_annotations
from fuzz.fuzzing import FuzzTarget

SAMPLES = 200_000


class WfdbAnnotationsTarget(FuzzTarget):
    name = "wfdb_annotations"

    def prepare(self, folder):
        beats = b"".join((code << 10 | 300).to_bytes(2, "little") for code in (1, 5, 8, 2, 3, 4, 1, 1))
        rhythm = (28 << 10 | 20).to_bytes(2, "little") + b"\x06\xfc(AFIB\0"
        note = (22 << 10).to_bytes(2, "little") + b"\x18\xfc## time resolution: 1000"
        skip = (59 << 10).to_bytes(2, "little") + b"\x01\0\0\x10"
        properties = b"\x03\xf4\x01\xf8\x02\xf0"
        return [
            rhythm + beats + properties + skip + beats + b"\0\0",
            note + beats + rhythm + beats + skip + rhythm + beats + b"\0\0",
        ]

    def attempt(self, content, folder):
        (folder / "r.atr").write_bytes(content)
        beats, rhythms = read_annotations(folder / "r", SAMPLES)
        at = beats.samples
        if len(at) and (at[0] < 0 or at[-1] >= SAMPLES or (np.diff(at) < 0).any()):
            return "beats out of order or beyond the recording"
        if not set(beats.symbols.tolist()) <= set(BEAT_CODES) or len(beats.symbols) != len(at):
            return f"{set(beats.symbols.tolist())} are not all beats"
        for rhythm in rhythms:
            if not 0 <= rhythm.start < rhythm.stop <= SAMPLES or not rhythm.rhythm.isprintable():
                return f"{rhythm} is no interval of a rhythm"
        return None


TARGET = WfdbAnnotationsTarget()
