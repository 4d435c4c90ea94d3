"""make demo: the whole path on the embedded synthetic ECG, one command after the other, in under three minutes.

Fails unless the model has learnt: macro F1 well above chance and every class predicted at least once, in float and in
integers.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ecg_edge.records.record import Record
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.runtime.files import read_json

ENOUGH = 0.7  # macro F1; a model that has learnt the nine rhythms is far above it


def run(*words) -> None:
    """Shows a command, runs it, and ends the demo with its status where it fails."""
    print(f"\n$ ecg-edge {' '.join(map(str, words))}", flush=True)
    status = subprocess.run([sys.executable, "-m", "ecg_edge", *map(str, words)]).returncode
    if status:
        sys.exit(status)


def main() -> None:
    """The demo."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ecg-edge-demo-") as folder:
        record = write_wfdb(synthesise("AF", seed=2_000_000), Path(folder))
        path = Path(folder) / "run"
        run("train", "--arch", "cnn_att_bilstm", "--preset", "tiny", "--run", path)
        run("export", path, "--int8")
        exported = path / "export" / "cnn_att_bilstm-int8.tflite"
        run("evaluate", path, "--model", exported)
        run("bench", exported)
        run("mcu", exported)
        run("predict", exported, record)
        learnt(read_json(path / f"evaluation-{exported.stem}.json"))
    print(f"\ndemo done in {time.perf_counter() - start:.0f} s; the README goes on with recordings of patients")


def learnt(evaluation: dict) -> None:
    """Ends the demo with status 1 unless the exported model tells the rhythms apart."""
    macro_f1 = evaluation["macro_f1"]["value"]
    columns = zip(*evaluation["confusion_matrix"], strict=True)
    missed = [name for name, column in zip(evaluation["classes"], columns, strict=True) if not sum(column)]
    if macro_f1 < ENOUGH or missed:
        print(
            f"error: the model has not learnt: macro F1 {macro_f1} ({ENOUGH} asked, 0.11 is chance), "
            f"classes never predicted: {' '.join(missed) or 'none'}",
            file=sys.stderr,
        )
        sys.exit(1)
    print(f"\nthe int8 model has learnt: macro F1 {macro_f1} on recordings it has not seen, every class predicted")


def write_wfdb(record: Record, folder: Path) -> Path:
    """Writes `record` as WFDB files into `folder`; the record's path without suffix."""
    import wfdb

    wfdb.wrsamp(
        record.name,
        record.fs,
        ["mV"] * len(record.leads),
        list(record.leads),
        record.signal.astype(float),
        fmt=["16"] * len(record.leads),
        write_dir=str(folder),
    )
    return folder / record.name


if __name__ == "__main__":
    main()
