"""MIT-BIH Atrial Fibrillation Database: 23 recordings of 10 h, two leads at 250 Hz, rhythms annotated.

Moody & Mark, "A new method for detecting atrial fibrillation using R-R intervals", Computers in Cardiology 10, 1983.
One recording of each patient. Rhythms are annotated as AFIB, AFL, J (here NOD) and N, which stands for every other
rhythm. Beats are those of a detector, corrected by hand where there is a file .qrsc, and have no class. Two more
recordings, 00735 and 03665, have annotations alone and are left out. No split is published.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from ecg_edge.records.flat_database import FlatDatabase
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.formats.wfdb_annotations import add_annotations, read_annotations, unclassify
from ecg_edge.records.record import Entry, Record


class Afdb(FlatDatabase):
    """See the module."""

    name = "afdb"
    title = "MIT-BIH Atrial Fibrillation, rhythms over 10 h"
    licence = "ODC-By 1.0"
    physionet = "afdb/1.0.0"
    physionet_files = ("[0-9][0-9][0-9][0-9][0-9].*", "RECORDS")
    record_name = re.compile(r"(?!00735|03665)\d{5}")
    signals = 2
    fs = 250.0
    leads = ("ECG1", "ECG2")
    annotated = True
    annotations = "rhythms; beats without classes"
    rhythm_codes: Mapping[str, str] = {"J": "NOD"}

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        record = add_annotations(read_record(stem, entry), stem, crop=True, rhythm_codes=self.rhythm_codes)
        suffix = "qrsc" if stem.with_name(f"{stem.name}.qrsc").is_file() else "qrs"
        beats, _ = read_annotations(stem, record.samples, crop=True, suffix=suffix)
        return dataclasses.replace(record, beats=unclassify(beats))
