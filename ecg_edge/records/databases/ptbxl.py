"""PTB-XL: 21,799 clinical 12-lead recordings of 10 s at 500 and 100 Hz, with ten official folds.

Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific Data 7:154, 2020. Labels
are the diagnostic superclasses of a recording's SCP codes (see scp_statements), the likeliest first. Recordings without
any diagnostic code have no labels.
"""

import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_table
from ecg_edge.records.databases.scp_statements import CLASSES, find_superclasses, parse_scp_codes
from ecg_edge.records.record import STANDARD_LEADS, Entry
from firmware_bench.runtime.errors import InputError

COLUMNS = {100: "filename_lr", 500: "filename_hr"}


class Ptbxl(Database):
    """PTB-XL at one of its two sampling rates.

    Args:
        rate: 100 or 500, in Hz; None takes 500 where it is on disk, else 100.
    """

    licence = "CC BY 4.0"
    physionet = "ptb-xl/1.0.3"
    classes = CLASSES
    normal_labels = ("NORM",)
    leads = STANDARD_LEADS
    numbering = people = "ptbxl"

    def __init__(self, rate: int | None = None):
        self.rate = rate
        self.name = f"ptbxl{rate or ''}"
        self.title = f"PTB-XL, 12 leads, {rate or 500} Hz"
        self.fs = float(rate) if rate else None
        self.physionet_files = (f"records{rate or 500}/*", "ptbxl_database.csv", "LICENSE*")

    @property
    def folder_name(self) -> str:
        return "ptbxl"

    def is_at(self, folder: Path) -> bool:
        return (folder / "ptbxl_database.csv").is_file()

    def list_label_files(self, folder: Path) -> list[Path]:
        return [folder / "ptbxl_database.csv"]

    def list_entries(self, folder: Path) -> list[Entry]:
        """List the recordings of which a file is on disk: most copies are partial downloads."""
        here = set(self.list_recordings(folder).values())
        entries = [entry for entry in self._read_table(folder) if entry.path in here]
        if not entries:
            raise InputError(f"{folder}/records{self._rate(folder)} holds none of the recordings in ptbxl_database.csv")
        return entries

    def list_recordings(self, folder: Path) -> dict[str, str]:
        files = list_record_paths(folder, (".hea", ".dat"), below=f"records{self._rate(folder)}")
        paths = [re.sub(r"(_[lh]r)_\d$", r"\1", file) for file in files]  # a record may have several signal files
        return {Path(path).name[:5]: path for path in paths}

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        listed, here = self._read_table(folder), set(self.list_recordings(folder).values())
        absent = [entry.path for entry in listed if entry.path not in here]
        if not absent:
            return []
        return [
            (absent[0], f"this and {len(absent) - 1} others of the {len(listed)} in ptbxl_database.csv are not here")
        ]

    def _rate(self, folder: Path) -> int:
        return self.rate or (500 if (folder / "records500").is_dir() else 100)

    def _read_table(self, folder: Path) -> list[Entry]:
        """Every line of ptbxl_database.csv."""
        (table,) = self.list_label_files(folder)
        column, entries = COLUMNS[self._rate(folder)], []
        for number, row in enumerate(read_table(table), start=2):
            try:
                codes = parse_scp_codes(row["scp_codes"])
                patient, fold = str(int(float(row["patient_id"]))), int(row["strat_fold"])
                name, labels = f"{int(row['ecg_id']):05d}", find_superclasses(codes)
                entries.append(Entry(name, row[column], patient, labels, fold, statements=tuple(codes)))
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise InputError(f"{table}, line {number} is corrupt: {error!r}") from None
        return entries
