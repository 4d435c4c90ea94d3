"""China Physiological Signal Challenge 2018: 12 leads, 500 Hz, 6–60 s, nine classes, up to three a recording.

Liu et al., "An Open Access Database for Evaluating the Algorithms of Electrocardiogram Rhythm and Morphology
Abnormality Detection", J. Med. Imaging Health Inform. 8(7), 2018. A folder may hold WFDB records whose headers carry
"# Dx:" (names, or SNOMED CT codes as in CinC 2020), the challenge's own MATLAB structs, or both. REFERENCE.csv, where
present, decides the labels.
"""

import re
from pathlib import Path

from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_first_line, read_rows
from ecg_edge.records.record import STANDARD_LEADS, Entry
from firmware_bench.runtime.errors import InputError

CLASSES = ("SNR", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")  # REFERENCE.csv's 1 … 9
SNOMED = {
    "426783006": "SNR",
    "164889003": "AF",
    "270492004": "I-AVB",
    "164909002": "LBBB",
    "59118001": "RBBB",
    "284470004": "PAC",
    "164884008": "PVC",
    "429622005": "STD",
    "164931005": "STE",
}
LABEL_NAMES = {str(number): label for number, label in enumerate(CLASSES, 1)} | SNOMED | {"Normal": "SNR"}


class Cpsc2018(Database):
    """See the module."""

    name = "cpsc2018"
    title = "CPSC 2018, 12 leads"
    licence = "CC BY 4.0"
    physionet = "challenge-2020/1.0.2"
    physionet_files = ("training/cpsc_2018/*", "LICENSE*")
    classes = CLASSES
    normal_labels = ("SNR",)
    fs = 500.0
    leads = STANDARD_LEADS
    challenge_score = ChallengeScore("mean F1, any label right (the challenge's score)")

    def is_at(self, folder: Path) -> bool:
        files = self.list_label_files(folder)
        if files:
            return read_first_line(files[0]).lower().startswith("recording,first_label")
        places = ("", "*/", "training/*/", "training/cpsc_2018/*/")  # everywhere would take long in a large folder
        return any(
            file.suffix in (".hea", ".mat") for at in places for file in folder.glob(f"{at}A[0-9][0-9][0-9][0-9].*")
        )

    def list_label_files(self, folder: Path) -> list[Path]:
        return [file for file in [folder / "REFERENCE.csv", *sorted(folder.glob("*/REFERENCE.csv"))] if file.is_file()]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        structs, headers = list_record_paths(folder, (".mat",)), list_record_paths(folder, (".hea",))
        return {Path(path).name: path for path in structs + headers}  # the WFDB record wins where both are present

    def list_entries(self, folder: Path) -> list[Entry]:
        found, labels = self.list_recordings(folder), self._reference(folder)
        for name, path in found.items():
            if name not in labels and (dx := read_dx_labels(folder / f"{path}.hea")):
                labels[name] = dx
        if not labels:
            raise InputError(f"{folder} has no REFERENCE.csv, and no header in it has a '# Dx:' line")
        missing_at = "training/" if (folder / "training").is_dir() else ""
        return [Entry(name, found.get(name, missing_at + name), name, labels[name]) for name in sorted(labels)]

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        reference, found = self._reference(folder), self.list_recordings(folder)
        headers = {name: read_dx_labels(folder / f"{found[name]}.hea") for name in reference if name in found}
        return [
            (name, f"header says {'+'.join(dx)}, REFERENCE.csv {'+'.join(reference[name])}")
            for name, dx in headers.items()
            if dx and set(dx) != set(reference[name])
        ]

    def _reference(self, folder: Path) -> dict[str, tuple[str, ...]]:
        """Record name → labels by REFERENCE.csv, first label first; a code that is not 1 … 9 stays as it is."""
        labels: dict[str, tuple[str, ...]] = {}
        for file in self.list_label_files(folder):
            for number, row in enumerate(read_rows(file)[1:], start=2):
                codes = [code.strip() for code in row[1:] if code.strip()]
                if not codes:
                    raise InputError(f"{file}, line {number}: no label for {row[0]!r}")
                labels.setdefault(row[0].strip(), tuple(LABEL_NAMES.get(code, code) for code in codes))
        return labels


def read_dx_labels(header: Path) -> tuple[str, ...]:
    """Read the labels of a header's "# Dx:" line, () where there is none."""
    try:
        match = re.search(r"^#\s*Dx:(.*)$", header.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return ()
    codes = [code.strip() for code in match[1].split(",") if code.strip()] if match else []
    return tuple(LABEL_NAMES.get(code, code) for code in codes)
