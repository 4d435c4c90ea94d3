"""Long-Term AF Database: 84 recordings of about 24 h of patients with atrial fibrillation, two leads at 128 Hz, every
beat and rhythm annotated.

Petrutiu, Sahakian & Swiryn, "Abrupt changes in fibrillatory wave characteristics at the termination of paroxysmal
atrial fibrillation in humans", Europace 9(7), 2007. No recording as a whole is labelled; the leads are not named. The
annotations take 18 MB, the waveforms 3.6 GB, and RR intervals and beats alone serve many tasks: a recording whose
signal file is missing is read from its header and annotations.

The published split is that of RhythmResNet1D and RhythmFromBeats: nine recordings to test, the others to train.
"""

import re
from pathlib import Path

from ecg_edge.records.flat_database import FlatDatabase
from ecg_edge.records.formats.wfdb_annotations import add_annotations
from ecg_edge.records.formats.wfdb_format import read_header, read_wfdb
from ecg_edge.records.record import Entry, Record

TEST = {"100", "104", "105", "11", "200", "32", "48", "49", "68"}


class Ltafdb(FlatDatabase):
    """See the module."""

    name = "ltafdb"
    title = "Long-Term AF, beats and rhythms over 24 h"
    licence = "ODC-By 1.0"
    physionet = "ltafdb/1.0.0"
    physionet_files = ("*.hea", "*.atr", "*.dat", "RECORDS")
    record_name = re.compile(r"\d\d|1\d\d|20\d")
    signals = 2
    fs = 128.0
    annotated = True

    def part_of(self, name: str) -> str:
        return find_part(name)

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        record = read_wfdb(stem, entry) if stem.with_name(f"{stem.name}.dat").is_file() else read_header(stem, entry)
        # The annotations of record 30 go on three hours beyond the end that its header states.
        return add_annotations(record, stem, crop=True)


def find_part(name: str) -> str:
    """The part of the published split that has record `name` of the database: "train" or "test"."""
    return "test" if name in TEST else "train"
