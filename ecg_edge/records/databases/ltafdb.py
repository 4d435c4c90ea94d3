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

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import read_first_line
from ecg_edge.records.formats.wfdb_annotations import add_annotations
from ecg_edge.records.formats.wfdb_format import read_header, read_wfdb
from ecg_edge.records.record import Entry, Record
from firmware_bench.runtime.errors import InputError

NAME = re.compile(r"\d\d|1\d\d|20\d")
TEST = {"100", "104", "105", "11", "200", "32", "48", "49", "68"}


class Ltafdb(Database):
    """See the module."""

    name = "ltafdb"
    title = "Long-Term AF, beats and rhythms over 24 h"
    licence = "ODC-By 1.0"
    physionet = "ltafdb/1.0.0"
    physionet_files = ("*.hea", "*.atr", "*.dat", "RECORDS")
    fs = 128.0
    annotated = True

    def is_at(self, folder: Path) -> bool:
        # MIT-BIH's records are numbered alike, but sampled at 360 Hz.
        return any(read_first_line(folder / f"{name}.hea").split()[1:3] == ["2", "128"] for name in self._names(folder))

    def list_entries(self, folder: Path) -> list[Entry]:
        names = self._names(folder)
        if not names:
            raise InputError(f"{folder} holds no recordings of ltafdb (00.hea, 00.atr, …)")
        return [Entry(name, name, name, part="test" if name in TEST else "train") for name in names]

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        record = read_wfdb(stem, entry) if stem.with_name(f"{stem.name}.dat").is_file() else read_header(stem, entry)
        # The annotations of record 30 go on three hours beyond the end that its header states.
        return add_annotations(record, stem, crop=True)

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {name: name for name in self._names(folder)}

    def _names(self, folder: Path) -> list[str]:
        """The records listed in RECORDS, or where it is absent, those with a header or annotations."""
        if (folder / "RECORDS").is_file():
            names = (folder / "RECORDS").read_text(errors="replace").split()
        else:
            names = [file.stem for file in folder.glob("*.*") if file.suffix in (".hea", ".atr")]
        return sorted({name for name in names if NAME.fullmatch(name)})
