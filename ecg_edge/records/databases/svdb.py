"""MIT-BIH Supraventricular Arrhythmia Database: 78 half-hour recordings of two leads at 128 Hz, every beat annotated.

Greenwald, "Improved detection and classification of arrhythmias in noise-corrupted electrocardiograms using contextual
information", PhD thesis, MIT, 1990. It supplements the MIT-BIH Arrhythmia Database, which has few supraventricular
beats. There is no table of patients: a recording counts as one. Rhythms are not annotated: those that the classes of
beats define are found in them (ecg_edge.records.ectopic_rhythms), and the one rhythm mark in its files is ignored. No
split is published: in a union with mitdb it trains, and MIT-BIH's DS2 remains the test.
"""

import dataclasses
import re
from pathlib import Path

from ecg_edge.records.ectopic_rhythms import find_ectopic_rhythms
from ecg_edge.records.flat_database import FlatDatabase
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.formats.wfdb_annotations import add_annotations
from ecg_edge.records.record import Entry, Record


class Svdb(FlatDatabase):
    """See the module."""

    name = "svdb"
    title = "MIT-BIH Supraventricular Arrhythmia, beats"
    licence = "ODC-By 1.0"
    physionet = "svdb/1.0.0"
    physionet_files = ("8[0-9][0-9].*", "RECORDS")
    record_name = re.compile(r"8\d\d")
    signals = 2
    fs = 128.0
    leads = ("ECG1", "ECG2")
    annotated = True
    annotations = "beats, and the rhythms that they define"
    reading = "ectopic rhythms"

    def list_notes(self, folder: Path) -> list[str]:
        return ["no table says who the patients are: each recording counts as a patient of its own"]

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        # The last beat of record 860 is annotated one sample behind its end.
        record = add_annotations(read_record(stem, entry), stem, crop=True)
        assert record.beats is not None
        return dataclasses.replace(record, rhythms=find_ectopic_rhythms(record.beats, record.fs))
