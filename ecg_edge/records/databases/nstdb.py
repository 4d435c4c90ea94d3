"""MIT-BIH Noise Stress Test Database: records 118 and 119 of MIT-BIH with noise of an electrode's motion added.

Moody, Muldrow & Mark, "A noise stress test for arrhythmia detectors", Computers in Cardiology 11, 1984. Twelve
recordings of half an hour, two leads at 360 Hz: 118e06 is record 118 at a signal-to-noise ratio of 6 dB, 118e_6 at
-6 dB. Their patients and beats are those of mitdb, where both train. The noise recordings bw, em and ma hold no ECG:
they are not among the recordings. The headers state a baseline of 1024 for signals around 0, as published: values are
5.12 mV too low.
"""

import re

from ecg_edge.records.databases.mitdb import PARTS
from ecg_edge.records.flat_database import FlatDatabase


class Nstdb(FlatDatabase):
    """See the module."""

    name = "nstdb"
    title = "MIT-BIH Noise Stress Test, two of its recordings with noise"
    licence = "ODC-By 1.0"
    physionet = "nstdb/1.0.0"
    physionet_files = ("11[89]e*", "bw.*", "em.*", "ma.*", "RECORDS")
    record_name = re.compile(r"11[89]e(_\d|\d\d)")
    signals = 2
    fs = 360.0
    leads = ("MLII", "V1")
    annotated = True
    people = "mitdb"

    def patient_of(self, name: str) -> str:
        return name[:3]

    def part_of(self, name: str) -> str:
        return PARTS[name[:3]]
