"""MIMIC-IV-ECG: 800,035 recordings of 12 leads, 10 s, 500 Hz, of 161,352 patients of one hospital.

Gow et al., "MIMIC-IV-ECG: Diagnostic Electrocardiogram Matched Subset", PhysioNet 2023, doi 10.13026/4nqg-sb35.
record_list.csv lists the recordings with their patients (subject_id). No label of a physician comes with them: the
machine's own statements (report_0 … report_17 of machine_measurements.csv) are labels of an algorithm, and a model
trained on them learns to agree with it. Labels here are the rhythms that a statement begins with, such as "Atrial
fibrillation with rapid ventricular response". A statement that begins otherwise ("Probable atrial fibrillation") gives
no label, and a recording without any serves no classifier. No split is published.
"""

from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import read_first_line, read_table
from ecg_edge.records.record import STANDARD_LEADS, Entry
from firmware_bench.runtime.errors import InputError

# What a statement begins with → label, named as in the PhysioNet/CinC Challenge 2021.
STATEMENTS = {
    "sinus rhythm": "NSR",
    "normal sinus rhythm": "NSR",
    "sinus bradycardia": "SB",
    "sinus tachycardia": "STach",
    "atrial fibrillation": "AF",
    "atrial flutter": "AFL",
}


class MimicIvEcg(Database):
    """See the module."""

    name = "mimic-iv-ecg"
    title = "MIMIC-IV-ECG, 12 leads, rhythm as the machine states it"
    licence = "ODbL 1.0"
    physionet = "mimic-iv-ecg/1.0"
    physionet_files = ("files/*", "*.csv", "LICENSE*")
    classes = tuple(dict.fromkeys(STATEMENTS.values()))
    fs = 500.0
    leads = STANDARD_LEADS

    def is_at(self, folder: Path) -> bool:
        columns = read_first_line(folder / "record_list.csv").split(",")
        return {"subject_id", "study_id", "path"} <= set(columns)

    def list_label_files(self, folder: Path) -> list[Path]:
        return [folder / "record_list.csv", folder / "machine_measurements.csv"]

    def list_entries(self, folder: Path) -> list[Entry]:
        """List the recordings of which a file is on disk: most copies are partial downloads."""
        labels = self._read_statements(folder)
        table, entries = folder / "record_list.csv", []
        for number, row in enumerate(read_table(table), start=2):
            try:
                path, study = row["path"].strip(), row["study_id"].strip()
                entry = Entry(study, path, row["subject_id"].strip(), labels.get(study, ()))
            except (KeyError, AttributeError):
                raise InputError(f"{table}, line {number} lacks subject_id, study_id or path") from None
            if (folder / f"{path}.hea").is_file() or (folder / f"{path}.dat").is_file():
                entries.append(entry)
        if not entries:
            raise InputError(f"{folder} holds none of the recordings in record_list.csv")
        return entries

    def _read_statements(self, folder: Path) -> dict[str, tuple[str, ...]]:
        """Study → its labels, in the order in which the machine states them."""
        file = folder / "machine_measurements.csv"
        labels: dict[str, tuple[str, ...]] = {}
        for number, row in enumerate(read_table(file), start=2):
            if not row.get("study_id"):
                raise InputError(f"{file}, line {number} names no study_id")
            statements = [row.get(f"report_{n}") or "" for n in range(18)]
            found = [label for text in statements if (label := find_rhythm(text))]
            labels[row["study_id"].strip()] = tuple(dict.fromkeys(found))
        return labels


def find_rhythm(statement: str) -> str | None:
    """The label of the rhythm that a statement of the machine begins with, None where it begins with none."""
    text = statement.strip().lower()
    return next((label for start, label in STATEMENTS.items() if text.startswith(start)), None)
