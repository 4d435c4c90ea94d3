"""PAF Prediction Challenge Database (Computers in Cardiology 2001): two leads at 128 Hz, half an hour or 5 minutes.

Moody, Goldberger, McClennen & Swiryn, "Predicting the onset of paroxysmal atrial fibrillation", Computers in Cardiology
28, 2001. Recordings come in pairs of one patient (n01 and n02). n: people without atrial fibrillation. p: people with
paroxysmal atrial fibrillation, an odd number far from it, an even one the half-hour right before it. A name that ends
in c is the five minutes after that recording: AF in those of an even p. t, the challenge's test set, is not labelled.
Labels: AF, and N for no atrial fibrillation in the recording. Beats (.qrs) are those of a detector and are not read.
No split is published.
"""

import re
from pathlib import Path

from ecg_edge.records.flat_database import FlatDatabase
from ecg_edge.records.record import Entry


class Afpdb(FlatDatabase):
    """See the module."""

    name = "afpdb"
    title = "PAF Prediction Challenge, before and during AF"
    licence = "ODC-By 1.0"
    physionet = "afpdb/1.0.0"
    physionet_files = ("[npt][0-9]*", "RECORDS")
    record_name = re.compile(r"[np]\d\dc?")
    signals = 2
    classes = ("N", "AF")
    normal_labels = ()  # people with paroxysmal AF are not healthy where they have no AF
    fs = 128.0
    leads = ("ECG0", "ECG1")

    def list_entries(self, folder: Path) -> list[Entry]:
        return [
            Entry(entry.name, entry.path, entry.patient, (find_label(entry.name),))
            for entry in super().list_entries(folder)
        ]

    def patient_of(self, name: str) -> str:
        """n01 and n02 are patient n01."""
        return f"{name[0]}{(int(name[1:3]) - 1) // 2 * 2 + 1:02d}"


def find_label(name: str) -> str:
    """The label of the recording called `name`."""
    return "AF" if name.startswith("p") and name.endswith("c") and int(name[1:3]) % 2 == 0 else "N"
