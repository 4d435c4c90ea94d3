"""AF Termination Challenge Database (Computers in Cardiology 2004): 80 minutes of AF, two leads at 128 Hz.

Moody, "Spontaneous termination of atrial fibrillation: a challenge from PhysioNet and Computers in Cardiology 2004",
Computers in Cardiology 31, 2004. The minutes are cut from recordings of the Long-Term AF Database (ltafdb), which
LTAFDB_RECORDS names. A recording's patient is that record of ltafdb, which groups the several minutes of one person,
and the split is that published for ltafdb. Both signals are called ECG.

Published beats (.qrs) are those of a detector, without a class. Where a folder holds .atr files, with the beats and
rhythms of ltafdb copied over, those are read.
"""

import dataclasses
import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths
from ecg_edge.records.databases.ltafdb import find_part
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.formats.wfdb_annotations import add_annotations, read_annotations, unclassify
from ecg_edge.records.record import Entry, Record
from firmware_bench.runtime.errors import InputError

FOLDERS = ("learning-set", "test-set-a", "test-set-b")
NAME = re.compile(r"[nstab]\d\d")
# n01, n02, … and the record of ltafdb that each is cut from, found by comparing annotations and signals.
LTAFDB_RECORDS = {
    f"{group}{number:02d}": record
    for group, records in {
        "n": "11 12 15 17 18 20 21 25 33 34",
        "s": "00 06 26 28 35 39 51 55 58 72",
        "t": "00 06 26 28 35 39 51 55 58 72",
        "a": "54 07 37 62 74 10 71 54 23 49 01 13 44 19 69 70 75 38 56 64 43 48 16 08 42 65 03 68 22 60",
        "b": "28 72 28 58 39 35 72 06 06 26 51 55 58 00 26 00 35 51 39 55",
    }.items()
    for number, record in enumerate(records.split(), start=1)
}


class Aftdb(Database):
    """See the module."""

    name = "aftdb"
    title = "AF Termination Challenge, minutes of AF"
    licence = "ODC-By 1.0"
    physionet = "aftdb/1.0.0"
    physionet_files = tuple(f"{folder}/*" for folder in FOLDERS)
    fs = 128.0
    annotated = True
    people = "ltafdb"

    def is_at(self, folder: Path) -> bool:
        return any(NAME.fullmatch(file.stem) for at in FOLDERS for file in (folder / at).glob("[nstab][0-9][0-9].hea"))

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        if not found:
            raise InputError(f"{folder} holds no recordings of aftdb (learning-set/n01.hea, …)")
        patients = {name: LTAFDB_RECORDS[Path(path).name] for name, path in found.items()}
        return [Entry(name, path, patients[name], part=find_part(patients[name])) for name, path in found.items()]

    def read(self, folder: Path, entry: Entry) -> Record:
        stem = folder / entry.path
        record = read_record(stem, entry)
        if stem.with_name(f"{stem.name}.atr").is_file():
            return add_annotations(record, stem)
        beats, _ = read_annotations(stem, record.samples, suffix="qrs")
        return dataclasses.replace(record, beats=unclassify(beats))

    def list_recordings(self, folder: Path) -> dict[str, str]:
        paths = [path for at in FOLDERS for path in list_record_paths(folder, below=at)]
        return {Path(path).name: path for path in paths if Path(path).name in LTAFDB_RECORDS}
