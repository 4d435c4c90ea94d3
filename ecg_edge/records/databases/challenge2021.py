"""PhysioNet/CinC Challenges 2020 and 2021: 88,253 recordings of 12 leads from eight sources, SNOMED CT codes.

Reyna et al., "Will two do? Varying dimensions in electrocardiography: the PhysioNet/Computing in Cardiology Challenge
2021", Computing in Cardiology 2021. A header's line "#Dx: 426783006,164889003" states the codes. Labels are the 26
diagnoses that the challenge of 2021 scored; other codes are no labels here. The sources differ in sampling rate and
length, and a recording's name tells its source:

    A0001 CPSC 2018   Q0001 CPSC-Extra   I0001 St Petersburg INCART   S0001 PTB   HR00001 PTB-XL   E00001 Georgia
    JS00001 Chapman-Shaoxing and Ningbo

NSR is a rhythm, which stands beside other findings: no label says that a recording is normal.

No table says who the patients are. PTB-XL's are looked up where its ptbxl_database.csv lies in the folder; INCART (74
recordings of 32 people) and PTB (516 of 290) are one patient each here, so that none is in two parts of a split; of the
others each recording is a patient. A folder of CPSC 2018 alone is that database. HR00001 is recording 1 of ptbxl, A0001
is that of cpsc2018. The challenge's test sets are not public, and no split is published.
"""

import itertools
import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_table
from ecg_edge.records.record import STANDARD_LEADS, Entry
from firmware_bench.runtime.errors import InputError

NAME = re.compile(r"([A-Z]{1,2})\d{4,5}")
SOURCES = ("A", "Q", "I", "S", "HR", "E", "JS")
ONE_PATIENT = {"I": "INCART", "S": "PTB"}  # sources that have several recordings of a person, and do not say whose
# SNOMED CT code → label: dx_mapping_scored.csv of the challenge's evaluation code. Codes of one label count as one
# diagnosis there.
SCORED = {
    "164889003": "AF",
    "164890007": "AFL",
    "6374002": "BBB",
    "426627000": "Brady",
    "733534002": "LBBB",
    "164909002": "LBBB",
    "713427006": "RBBB",
    "59118001": "RBBB",
    "270492004": "IAVB",
    "713426002": "IRBBB",
    "39732003": "LAD",
    "445118002": "LAnFB",
    "251146004": "LQRSV",
    "698252002": "NSIVCB",
    "426783006": "NSR",
    "284470004": "PAC",
    "63593006": "PAC",
    "10370003": "PR",
    "365413008": "PRWP",
    "427172004": "PVC",
    "17338001": "PVC",
    "164947007": "LPR",
    "111975006": "LQT",
    "164917005": "QAb",
    "47665007": "RAD",
    "427393009": "SA",
    "426177001": "SB",
    "427084000": "STach",
    "164934002": "TAb",
    "59931005": "TInv",
}


class Challenge2021(Database):
    """See the module."""

    name = "challenge2021"
    title = "PhysioNet/CinC Challenge 2020/21, 12 leads, 26 diagnoses"
    licence = "CC BY 4.0"
    physionet = "challenge-2021/1.0.3"
    physionet_files = ("training/*", "LICENSE*")
    classes = tuple(dict.fromkeys(SCORED.values()))
    leads = STANDARD_LEADS

    def is_at(self, folder: Path) -> bool:
        places = ("", "*/", "training/*/", "*/g[0-9]*/", "training/*/g[0-9]*/")  # everywhere would take long
        files = itertools.chain.from_iterable(folder.glob(f"{at}[A-Z]*[0-9].hea") for at in places)
        # Recordings called A0001 alone are CPSC 2018, which has a reader of its own.
        others = (file for file in files if find_source(file.stem) not in (None, "A"))
        return any(read_codes(file) for file in itertools.islice(others, 3))

    def list_label_files(self, folder: Path) -> list[Path]:
        return [file for file in [folder / "ptbxl_database.csv"] if file.is_file()]

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        if not found:
            raise InputError(f"{folder} holds no recordings of the challenge (training/georgia/g1/E00001.hea, …)")
        patients = self._read_ptbxl_patients(folder)
        entries = []
        for name, path in found.items():
            codes = read_codes(folder / f"{path}.hea")
            labels = tuple(dict.fromkeys(SCORED[code] for code in codes if code in SCORED))
            source, number = find_source(name) or "", name.lstrip("AEHIJQRS")
            patient = ONE_PATIENT.get(source) or (patients.get(int(number)) if source == "HR" else None) or name
            people = patient if patient.startswith("ptbxl/") else f"cpsc2018/{name}" if source == "A" else ""
            original = f"ptbxl/{int(number)}" if source == "HR" else ""
            entries.append(Entry(name, path, patient, labels, person=people, source=original))
        return entries

    def list_recordings(self, folder: Path) -> dict[str, str]:
        paths = {Path(path).name: path for path in list_record_paths(folder)}
        return {name: path for name, path in paths.items() if find_source(name)}

    def list_notes(self, folder: Path) -> list[str]:
        sources = {find_source(name) for name in self.list_recordings(folder)}
        notes = []
        if grouped := [name for source, name in ONE_PATIENT.items() if source in sources]:
            notes.append(f"{' and '.join(grouped)} do not say who their patients are: each counts as one patient")
        if "HR" in sources and not self.list_label_files(folder):
            notes.append(
                "PTB-XL: each recording counts as a patient of its own, and some patients have several; put its "
                "ptbxl_database.csv into the folder"
            )
        return notes

    def _read_ptbxl_patients(self, folder: Path) -> dict[int, str]:
        """Number of a recording of PTB-XL → its patient, as among the patients of ptbxl."""
        try:
            rows = [row for file in self.list_label_files(folder) for row in read_table(file)]
            return {int(row["ecg_id"]): f"ptbxl/{int(float(row['patient_id']))}" for row in rows}
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"{folder / 'ptbxl_database.csv'} is corrupt: {error!r}") from None


def find_source(name: str) -> str | None:
    """The letters that tell the source of the recording called `name`, None for a name of another form."""
    match = NAME.fullmatch(name)
    return match[1] if match and match[1] in SOURCES else None


def read_codes(header: Path) -> list[str]:
    """Read the SNOMED CT codes of a header's "Dx" comment, [] where there is none."""
    try:
        match = re.search(r"^#\s*Dx:(.*)$", header.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return []
    return re.findall(r"\d{6,18}", match[1]) if match else []
