"""Lobachevsky University Database: 12 leads, 10 s, 500 Hz, of 200 people; rhythm and diagnoses by cardiologists.

Kalyakulina et al., "LUDB: a new open-access validation tool for electrocardiogram delineation algorithms", IEEE Access
8, 2020. One recording of each person. The label is the rhythm that its header states; the classes are named as in the
PhysioNet/CinC Challenge 2021. Axis, conduction, extrasystoles and ischaemia stand in the headers too and are not read.
The boundaries of the P, QRS and T waves are annotated in each lead (1.ii, …): they are no classes of beats, and are not
read either. No split is published.
"""

import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_first_line
from ecg_edge.records.record import STANDARD_LEADS, Entry
from firmware_bench.runtime.errors import InputError

RHYTHMS = {
    "sinus rhythm": "NSR",
    "sinus bradycardia": "SB",
    "sinus tachycardia": "STach",
    "sinus arrhythmia": "SA",
    "irregular sinus rhythm": "irregular SR",
    "atrial fibrillation": "AF",
    "atrial flutter, typical": "AFL",
}
NUMBER = re.compile(r"\d{1,3}")


class Ludb(Database):
    """See the module."""

    name = "ludb"
    title = "Lobachevsky University, 12 leads, rhythm"
    licence = "ODC-By 1.0"
    physionet = "ludb/1.0.1"
    physionet_files = ("data/*", "ludb.csv", "RECORDS", "LICENSE*")
    classes = tuple(RHYTHMS.values())
    fs = 500.0
    leads = STANDARD_LEADS

    def is_at(self, folder: Path) -> bool:
        names = [file.with_suffix("") for at in ("", "data") for file in (folder / at).glob("[0-9]*.avr")]
        return any(read_first_line(name.with_suffix(".hea")).split()[1:3] == ["12", "500"] for name in names)

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        if not found:
            raise InputError(f"{folder} holds no recordings of ludb (data/1.hea, …)")
        return [Entry(name, path, name, read_rhythm(folder / f"{path}.hea")) for name, path in found.items()]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        paths = {Path(path).name: path for path in list_record_paths(folder, (".hea", ".dat"))}
        return {name: path for name, path in paths.items() if NUMBER.fullmatch(name)}


def read_rhythm(header: Path) -> tuple[str, ...]:
    """Read the rhythm that a header's comments state, () where there is none; an unknown one stays as it is."""
    try:
        rhythm = re.search(r"^#\s*Rhythm:\s*(.*?)\.?\s*$", header.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return ()
    return (RHYTHMS.get(rhythm[1].lower(), rhythm[1]),) if rhythm else ()
