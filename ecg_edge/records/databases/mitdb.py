"""MIT-BIH Arrhythmia Database: 48 half-hour recordings of two leads at 360 Hz, every beat and rhythm annotated.

Moody & Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng. Med. Biol. 20(3), 2001. No recording as a
whole is labelled. Records 201 and 202 are one patient.

The published split between patients is that of de Chazal et al., "Automatic classification of heartbeats using ECG
morphology and heartbeat interval features", IEEE Trans. Biomed. Eng. 51(7), 2004: DS1 to train, DS2 to test. It leaves
out the four recordings with paced beats (102, 104, 107, 217), as EC57 asks, and has 201 in DS1, 202 in DS2.
"""

import re

from ecg_edge.records.flat_database import FlatDatabase

DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
DS2 = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
PARTS = dict.fromkeys(map(str, DS1), "train") | dict.fromkeys(map(str, DS2), "test")


class Mitdb(FlatDatabase):
    """See the module."""

    name = "mitdb"
    title = "MIT-BIH Arrhythmia, beats"
    licence = "ODC-By 1.0"
    physionet = "mitdb/1.0.0"
    physionet_files = ("[12][0-9][0-9].*", "RECORDS")
    record_name = re.compile(r"[12]\d\d")
    signals = 2
    fs = 360.0
    lead_order = ("MLII",)  # record 114 has V5 first
    annotated = True

    def patient_of(self, name: str) -> str:
        return "201" if name == "202" else name

    def part_of(self, name: str) -> str | None:
        return PARTS.get(name)
