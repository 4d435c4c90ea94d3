"""China Physiological Signal Challenge 2021: 1,436 two-lead recordings of 105 patients at 200 Hz, beats and the onsets
and ends of atrial fibrillation annotated.

Wang et al., "Paroxysmal Atrial Fibrillation Events Detection from Dynamic ECG Recordings: The 4th China Physiological
Signal Challenge 2021", PhysioNet 2021, doi 10.13026/ksya-qw89. Record data_P_R is recording R of patient P. A header's
comment states the label of the whole recording: N not AF, AFf persistent, AFp paroxysmal AF.
"""

import dataclasses
import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths
from ecg_edge.records.record import Entry, Record, RhythmInterval
from firmware_bench.runtime.errors import InputError

NAME = re.compile(r"data_\d+_\d+")
LABELS = {
    "non atrial fibrillation": "N",
    "persistent atrial fibrillation": "AFf",
    "paroxysmal atrial fibrillation": "AFp",
}


class Cpsc2021(Database):
    """See the module."""

    name = "cpsc2021"
    title = "CPSC 2021, two leads, onsets of AF"
    licence = "ODC-By 1.0"
    physionet = "cpsc2021/1.0.0"
    physionet_files = ("Training_set_I/*", "Training_set_II/*")
    classes = tuple(LABELS.values())
    normal_labels = ("N",)
    fs = 200.0
    leads = ("I", "II")
    annotated = True
    annotations = "beats and episodes of AF"

    def is_at(self, folder: Path) -> bool:
        return any(NAME.fullmatch(file.stem) for at in ("", "*/") for file in folder.glob(f"{at}data_*_*.hea"))

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        if not found:
            raise InputError(f"{folder} holds no recordings of cpsc2021 (data_0_1.hea, data_0_1.dat, data_0_1.atr, …)")
        return [
            Entry(name, path, name.split("_")[1], read_header_label(folder / f"{path}.hea"))
            for name, path in found.items()
        ]

    def read(self, folder: Path, entry: Entry) -> Record:
        record = super().read(folder, entry)
        return dataclasses.replace(record, rhythms=add_first_interval(record.rhythms, record.samples))

    def list_recordings(self, folder: Path) -> dict[str, str]:
        paths = {Path(path).name: path for path in list_record_paths(folder, (".hea", ".dat"))}
        return {name: path for name, path in paths.items() if NAME.fullmatch(name)}


def read_header_label(header: Path) -> tuple[str, ...]:
    """Read the label of the whole recording from its header's comment, () where there is none."""
    try:
        comments = re.findall(r"^#\s*(.*?)\s*$", header.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return ()
    return tuple(LABELS[comment.lower()] for comment in comments if comment.lower() in LABELS)[:1]


def add_first_interval(rhythms: tuple[RhythmInterval, ...], samples: int) -> tuple[RhythmInterval, ...]:
    """Add the interval before the first one: only episodes are annotated, so a recording begins as not AF ("N")."""
    first = rhythms[0].start if rhythms else samples
    return ((RhythmInterval(0, first, "N"),) if first else ()) + rhythms
