"""The table of labels of a user's folder: any file that somebody called labels.csv."""

import random

from ecg_edge.records.databases.catalogue import recognise_folder
from ecg_edge.records.databases.labels_columns import COLUMNS
from ecg_edge.records.split import PARTS
from fuzz.fuzzing import FuzzTarget
from fuzz.mutation import mutate

HEADERS = [name for names in COLUMNS.values() for name in names.split()]
CELLS = (
    b"", b"..", b"../../x", b"/dev/zero", b"C:\\x", b"[/b]", b"[bold]x", b"AF;N", b"af", b"nan", b"0", b"11", b"1e9",
    b"train", b"holdout", b'"', b'"a\nb"', b"a,b", b"\x1b[2J", b"\xe2\x80\xae", b"\xfc", b"{'NORM': 1e999}",
    b"9" * 5000,
)  # fmt: skip
ROWS = "rec;dx;Patient ID;fold\nr1;AF;7;1\nr2;N;8;9\na/r3;N;9;10\n"


class LabelsTableTarget(FuzzTarget):
    name = "labels_table"

    def prepare(self, folder):
        sheet = "record,label,patient,split\nr1,AF;PVC,p1,train\nr2,N,p2,val\na/r3,N,p3,test\n"
        codes = "ecg_id,scp_codes,strat_fold\n1,\"{'NORM': 100.0, 'SR': 0.0}\",3\n2,IMI;SR,10\n"
        return [sheet.encode(), codes.encode(), ROWS.encode("utf-16"), f"sep=;\n{ROWS}".encode("cp1252")]

    def damage(self, content: bytes, random: random.Random) -> bytes:
        """Damage bytes, a cell, or the shape of the table."""
        if random.random() < 0.5:
            return mutate(content, random)
        lines = content.split(b"\n")
        row = random.randrange(len(lines))
        cells = lines[row].split(b",")
        cells[random.randrange(len(cells))] = random.choice((*CELLS, random.choice(HEADERS).encode()))
        lines[row] = (b",".join(cells) * random.choice((1, 1, 1, 1, 1, 2, 10**5)))[: 2**21]
        repeated = random.choice(lines)[:200]
        lines[row:row] = [repeated] * random.choice((0, 0, 0, 0, 1, 10**4))
        return b"\n".join(lines)

    def attempt(self, content, folder):
        (folder / "a").mkdir()
        for name in ("r1", "r2", "a/r3", "00001"):
            (folder / f"{name}.hea").write_text("")
        (folder / "labels.csv").write_bytes(content)
        database = recognise_folder(folder)
        sides: dict[str, set] = {}
        for entry in database.index(folder):
            texts = (entry.path, entry.patient, *entry.labels)
            if not all(text and text.isprintable() for text in texts) or set(entry.labels) - set(database.classes):
                return f"took {texts} for a recording, its patient and labels"
            if not (folder / entry.path).resolve().is_relative_to(folder.resolve()):
                return f"took {entry.path!r} for a recording in the folder"
            if entry.fold not in (None, *range(1, 11)) or entry.part not in (None, *PARTS):
                return f"took fold {entry.fold}, part {entry.part}"
            sides.setdefault(entry.patient, set()).add((entry.fold or 1) < 9 and entry.part != "test")
        torn = [patient for patient, found in sides.items() if len(found) > 1]
        return f"patient {torn[0]!r} trains and is tested" if torn else None


TARGET = LabelsTableTarget()
