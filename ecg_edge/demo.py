"""make demo: training, export, evaluation, benchmark and prediction on the embedded synthetic ECG, in three minutes.

It fails unless the int8 model has learnt: macro F1 well above chance, and every class predicted at least once.
"""

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

from ecg_edge.records.record import Record
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.runtime.files import read_json

MINIMUM_MACRO_F1 = 0.7  # a model that has learnt the nine rhythms is far above it; chance is 0.11


def run(*words) -> None:
    """Print a command and run it; end the demo with its status where it fails."""
    print(f"\n$ ecg-edge {' '.join(map(str, words))}", flush=True)
    # Without the current folder on its path (-P), where a file may have the name of one of our modules.
    places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    status = subprocess.run([sys.executable, "-P", "-m", "ecg_edge", *map(str, words)], env=environment).returncode
    if status:
        sys.exit(status)


def main() -> None:
    """Run the demo."""
    start = time.perf_counter()
    path = Path("runs") / f"demo-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    path.mkdir(parents=True)
    record = write_wfdb(synthesise("AF", seed=2_000_000), path)
    print(f"what the demo makes is kept in {path}", flush=True)
    run("train", "--arch", "cnn_att_bilstm", "--preset", "tiny", "--run", path)
    run("export", path)
    exported = path / "export" / "cnn_att_bilstm-int8.tflite"
    run("evaluate", path, "--model", exported)
    run("bench", exported)
    run("mcu", exported)
    run("predict", exported, record)
    check_learning(read_json(path / f"evaluation-{exported.stem}.json"))
    print(f"\ndemo done in {time.perf_counter() - start:.0f} s; what it made is in {path}")


def check_learning(evaluation: dict) -> None:
    """End the demo with status 1 unless the exported model classifies the rhythms."""
    macro_f1 = evaluation["macro_f1"]["value"]
    columns = zip(*evaluation["confusion_matrix"], strict=True)
    missed = [name for name, column in zip(evaluation["classes"], columns, strict=True) if not sum(column)]
    if macro_f1 < MINIMUM_MACRO_F1 or missed:
        print(
            f"error: the model has not learnt: macro F1 {macro_f1} (at least {MINIMUM_MACRO_F1} is required, 0.11 is "
            f"chance), classes never predicted: {' '.join(missed) or 'none'}",
            file=sys.stderr,
        )
        sys.exit(1)
    print(f"\nthe int8 model has learnt: macro F1 {macro_f1} on recordings it has not seen, every class predicted")


def write_wfdb(record: Record, folder: Path) -> Path:
    """Write `record` as WFDB files into `folder`.

    Args:
        record: A record with a signal in mV.
        folder: An existing folder.

    Returns:
        The record's path without suffix.
    """
    import wfdb

    signal = record.select_leads(record.leads)
    wfdb.wrsamp(
        record.name,
        record.fs,
        ["mV"] * len(record.leads),
        list(record.leads),
        signal.astype(float),
        fmt=["16"] * len(record.leads),
        write_dir=str(folder),
    )
    return folder / record.name


if __name__ == "__main__":
    main()
