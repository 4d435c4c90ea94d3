"""PhysioNet/CinC Challenge 2017: AF classification from a single wearable lead (AliveCor, 300 Hz, 9–61 s).

Clifford et al., "AF Classification from a Short Single Lead ECG Recording", Computing in Cardiology 2017.
Labels: N normal, A atrial fibrillation, O other rhythm, ~ too noisy.
"""

import dataclasses
from pathlib import Path

from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_first_line, read_rows
from ecg_edge.records.record import Entry, Record
from firmware_bench.runtime.errors import InputError

LABEL_FILES = ("REFERENCE-v3.csv", "REFERENCE.csv", "training/REFERENCE-v3.csv", "training/REFERENCE.csv")


class Cinc2017(Database):
    """See the module."""

    name = "cinc2017"
    title = "CinC 2017, one lead, AF"
    licence = "ODC-By 1.0"
    physionet = "challenge-2017/1.0.0"
    physionet_files = ("training/*", "REFERENCE-v3.csv", "LICENSE*")
    classes = ("N", "A", "O", "~")
    normal_labels = ("N",)
    fs = 300.0
    leads = ("I",)
    challenge_score = ChallengeScore("mean F1 of N, A, O (the challenge's score)", ("N", "A", "O"))  # equations 1 to 4

    def is_at(self, folder: Path) -> bool:
        labels = tuple(f",{label}" for label in self.classes)
        return any(read_first_line(file).endswith(labels) for file in self.list_label_files(folder))

    def list_label_files(self, folder: Path) -> list[Path]:
        return [folder / file for file in LABEL_FILES if (folder / file).is_file()][:1]

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        return [Entry(name, found.get(name, name), name, (label,)) for name, label in self._labels(folder).items()]

    def read(self, folder: Path, entry: Entry) -> Record:
        record = super().read(folder, entry)
        # The header says only "ECG"; the device records between the hands, which is lead I.
        return dataclasses.replace(record, leads=("I",)) if len(record.leads) == 1 else record

    def list_recordings(self, folder: Path) -> dict[str, str]:
        # In the official set "training/" sorts before "validation/", which repeats 300 of its recordings.
        return {Path(path).name: path for path in reversed(list_record_paths(folder, (".hea", ".mat", ".dat")))}

    def _labels(self, folder: Path) -> dict[str, str]:
        """Record name → label; the first line of a record counts."""
        file = (self.list_label_files(folder) or [folder / LABEL_FILES[0]])[0]
        labels: dict[str, str] = {}
        for number, row in enumerate(read_rows(file), start=1):
            if len(row) < 2:
                raise InputError(f"{file}, line {number}: expected 'record,label', found {','.join(row)!r}")
            labels.setdefault(row[0].strip(), row[1].strip())
        return labels
