"""Icentia11k: up to two weeks of one chest lead at 250 Hz of 11,000 patients, beats and rhythms annotated.

Tan et al., "Icentia11K: an unsupervised representation learning dataset for arrhythmia subtype discovery", Computing in
Cardiology 2021, doi 10.13026/kk0v-r952. p00/p00000/p00000_s00 is segment 0, 70 minutes, of patient 0; up to 50 segments
of each. Technologists marked beats as N, S (premature atrial), V (premature ventricular) or Q (undefined), and the
onset and end of the rhythms N, AFIB and AFL; between an end and the next onset no rhythm is stated. No split is
published.
Licence: no commercial use.
"""

import itertools
import re
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths
from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

NAME = re.compile(r"(p\d{5})_s\d\d")


class Icentia11k(Database):
    """See the module."""

    name = "icentia11k"
    title = "Icentia11k, one lead, beats and rhythms over two weeks"
    licence = "CC BY-NC-SA 4.0"
    physionet = "icentia11k-continuous-ecg/1.0"
    physionet_files = ("p[0-9][0-9]/*", "LICENSE*")
    fs = 250.0
    leads = ()
    annotated = True

    def is_at(self, folder: Path) -> bool:
        places = ("", "p[0-9]*/", "p[0-9]*/p[0-9]*/")  # also of one patient, or of some
        files = itertools.chain.from_iterable(folder.glob(f"{at}p[0-9]*_s[0-9]*.hea") for at in places)
        return any(NAME.fullmatch(file.stem) for file in files)

    def list_entries(self, folder: Path) -> list[Entry]:
        found = self.list_recordings(folder)
        if not found:
            raise InputError(f"{folder} holds no recordings of icentia11k (p00/p00000/p00000_s00.hea, …)")
        return [Entry(name, path, name.partition("_")[0]) for name, path in found.items()]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        paths = {Path(path).name: path for path in list_record_paths(folder)}
        return {name: path for name, path in paths.items() if NAME.fullmatch(name)}
