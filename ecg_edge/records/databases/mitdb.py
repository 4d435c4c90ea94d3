"""MIT-BIH Arrhythmia Database: 48 half-hour recordings of two leads at 360 Hz, every beat and rhythm annotated.

Moody & Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng. Med. Biol. 20(3), 2001. No recording as a
whole is labelled. Records 201 and 202 are one patient.

The published split between patients is that of de Chazal et al., "Automatic classification of heartbeats using ECG
morphology and heartbeat interval features", IEEE Trans. Biomed. Eng. 51(7), 2004: DS1 to train, DS2 to test. It leaves
out the four recordings with paced beats (102, 104, 107, 217), as EC57 asks, and has 201 in DS1, 202 in DS2.
"""

import dataclasses
import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import read_first_line
from ecg_edge.records.record import Entry, Record
from firmware_bench.runtime.errors import InputError

NAME = re.compile(r"[12]\d\d")
DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
DS2 = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
PARTS = dict.fromkeys(map(str, DS1), "train") | dict.fromkeys(map(str, DS2), "test")


class Mitdb(Database):
    """See the module."""

    name = "mitdb"
    title = "MIT-BIH Arrhythmia, beats"
    licence = "ODC-By 1.0"
    physionet = "mitdb/1.0.0"
    physionet_files = ("[12][0-9][0-9].*", "RECORDS")
    fs = 360.0
    annotated = True

    def is_at(self, folder: Path) -> bool:
        # Other databases number their records alike, but sample at 128 Hz.
        return any(read_first_line(folder / f"{name}.hea").split()[1:3] == ["2", "360"] for name in self._names(folder))

    def list_entries(self, folder: Path) -> list[Entry]:
        names = self._names(folder)
        if not names:
            raise InputError(f"{folder} holds no recordings of mitdb (100.hea, 100.dat, 100.atr, …)")
        return [Entry(name, name, "201" if name == "202" else name, part=PARTS.get(name)) for name in names]

    def read(self, folder: Path, entry: Entry) -> Record:
        """Read a recording as `Database.read` does, with lead MLII first: record 114 has V5 first."""
        record = super().read(folder, entry)
        leads = tuple(sorted(record.leads, key=lambda lead: lead != "MLII"))
        return dataclasses.replace(record, signal=record.select_leads(leads), leads=leads)

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {name: name for name in self._names(folder)}

    def _names(self, folder: Path) -> list[str]:
        """The records listed in RECORDS, or where it is absent, those with any file."""
        if (folder / "RECORDS").is_file():
            names = (folder / "RECORDS").read_text(errors="replace").split()
        else:
            names = [file.stem for file in folder.glob("[12]??.*") if file.suffix in (".hea", ".atr", ".dat")]
        return sorted({name for name in names if NAME.fullmatch(name)})
