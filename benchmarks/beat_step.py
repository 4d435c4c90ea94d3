"""The step of a beat classifier, told of record after record without a new beginning: its answers beside those of the
whole 8-bit file whose history the caller keeps, and of the Keras model told the same history.

    python benchmarks/beat_step.py RUN RECORD...

RUN holds export/htf_beat-int8.tflite and export/htf_beat-streaming.tflite; records have both leads of the run.
"""

import argparse
from pathlib import Path

import numpy as np

from ecg_edge.api.prediction import task_from_metadata
from ecg_edge.data.recordings import prepare_records
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.run import Run
from ecg_edge.tasks.beat_history import BEFORE
from ecg_edge.tasks.predictor import KerasPredictor
from export.verify.sqnr import sqnr_db
from export.verify.step_parity import run_with_external_history
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.streaming_model import HistoryModel
from firmware_bench.runtime.tflite_model import TFLiteModel


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("records", nargs="+", type=Path)
    arguments = parser.parse_args()
    exported = arguments.run / "export"
    model = HistoryModel(TFLiteModel(exported / "htf_beat-streaming.tflite"))
    task, window = task_from_metadata(model.metadata, "htf_beat-streaming.tflite")
    told, seconds = [], 0.0
    for path in arguments.records:
        record = task.read(read_record(path))
        recordings = prepare_records([record], model.metadata.leads, window.steps, window.fs)
        told.append(task.inference_examples(recordings, window).batch(slice(None)))
        seconds += float(recordings.lengths[0] / window.fs)
    ecg, rr = (np.concatenate([batch[name] for batch in told]) for name in ("ecg", "rr"))
    beats = [{"ecg": e, "rr": r[-1:]} for e, r in zip(ecg, rr, strict=True)]
    found = np.array([model.run(beat) for beat in beats])
    whole = run_with_external_history(TFLiteModel(exported / "htf_beat-int8.tflite"), task.autoregressive_inputs, beats)
    other = np.any(found != [answer["probabilities"] for answer in whole], axis=1).sum()

    said = np.concatenate([np.zeros((BEFORE, 3)), np.eye(3)[found.argmax(axis=1)]])
    labels = np.stack([said[n : n + BEFORE] for n in range(len(found))])
    intervals = np.concatenate([np.zeros(BEFORE - 1), rr[:, -1]])
    rr = np.stack([intervals[n : n + BEFORE] for n in range(len(found))])
    keras = KerasPredictor(Run(arguments.run).model())
    expected = keras({"ecg": ecg, "rr": rr.astype(np.float32), "labels": labels.astype(np.float32)})
    print(f"{len(beats):,} beats of {seconds / 60:.0f} minutes (measured)")
    print(f"answered otherwise than by the whole file, to the byte: {other}")
    for name, part in (("first", slice(None, len(beats) // 2)), ("last", slice(len(beats) // 2, None))):
        print(f"agreement with Keras in the {name} half: {sqnr_db(expected[part], found[part]):.1f} dB")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
