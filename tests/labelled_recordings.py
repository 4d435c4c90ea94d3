"""A user's own folder of recordings with a labels file."""

from pathlib import Path

from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise


def write_labelled_recordings(folder: Path) -> Path:
    """Write 30 recordings of ten patients, three rhythms, into an existing folder."""
    lines = ["record,label,patient"]
    for patient in range(10):
        for number, rhythm in enumerate(("SNR", "AF", "LBBB")):
            name = write_wfdb(synthesise(rhythm, seed=3 * patient + number), folder).name
            lines.append(f"{name},{rhythm},{patient}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder
