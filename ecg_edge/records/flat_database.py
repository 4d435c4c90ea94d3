"""FlatDatabase: a database of WFDB records that keeps them all in one folder, under names of one form."""

import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import has_header, list_record_names
from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError


class FlatDatabase(Database):
    """Base of such databases. Its records carry no labels of whole recordings; each is a patient of its own by default.

    Attributes:
        record_name: What the records are called.
        signals: How many signals each has.
        fs: Sampling rate in Hz.
    """

    record_name: re.Pattern[str]
    signals: int
    fs: float

    def is_at(self, folder: Path) -> bool:
        # Databases number their records alike: number of signals and sampling rate tell them apart.
        return has_header(folder, list_record_names(folder, self.record_name), self.signals, int(self.fs))

    def list_entries(self, folder: Path) -> list[Entry]:
        names = list_record_names(folder, self.record_name)
        if not names:
            raise InputError(f"{folder} holds no recordings of {self.name}")
        return [Entry(name, name, self.patient_of(name), part=self.part_of(name)) for name in names]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {name: name for name in list_record_names(folder, self.record_name)}

    def patient_of(self, name: str) -> str:
        """The patient of the recording called `name`."""
        return name

    def part_of(self, name: str) -> str | None:
        """The part of the published split that has the recording called `name`, None where there is none."""
        return None
