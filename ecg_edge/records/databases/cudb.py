"""CU Ventricular Tachyarrhythmia Database: 35 recordings of 8.5 min, one lead at 250 Hz, ventricular fibrillation.

Nolle, Badura, Catlett, Bowser & Sketch, "CREI-GARD, a new concept in computerized arrhythmia monitoring systems",
Computers in Cardiology 13, 1986. One recording of each patient. Ventricular fibrillation or flutter is annotated by
its onset "[" and end "]", whose exact places are uncertain; 8 of 47 episodes last to the end of the recording. Every
other beat is marked as N, ventricular ones too: beats are read without their class. Few recordings state other rhythms.
No split is published.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from ecg_edge.records.flat_database import FlatDatabase
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.formats.wfdb_annotations import add_annotations, unclassify
from ecg_edge.records.record import Entry, Record


class Cudb(FlatDatabase):
    """See the module."""

    name = "cudb"
    title = "CU Ventricular Tachyarrhythmia, fibrillation"
    licence = "ODC-By 1.0"
    physionet = "cudb/1.0.0"
    physionet_files = ("cu[0-9][0-9].*", "RECORDS")
    record_name = re.compile(r"cu\d\d")
    signals = 1
    fs = 250.0
    leads = ("ECG",)
    annotated = True
    annotations = "ventricular fibrillation, some rhythms; beats without classes"
    rhythm_codes: Mapping[str, str] = {"AF": "AFIB"}

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        record = add_annotations(
            read_record(stem, entry), stem, rhythm_codes=self.rhythm_codes, fibrillation_marks=True
        )
        return dataclasses.replace(record, beats=unclassify(record.beats) if record.beats else None)
