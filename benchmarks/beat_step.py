"""The streaming step of a beat classifier, fed record after record without a reset.

    python benchmarks/beat_step.py RUN RECORD…

Its outputs are compared with those of the whole 8-bit file, whose inputs hold the previous beats, and with those of the
Keras model on the same inputs. RUN holds export/htf_beat-int8.tflite and export/htf_beat-streaming.tflite; the records
have the leads of the run.
"""

from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@result_option
def main(folder, records, result):
    import ecg_edge
    from ecg_edge.keras_backend import import_keras

    import_keras()
    from ecg_edge.tasks.predictor import KerasPredictor
    from export.verify.sqnr import sqnr_db
    from export.verify.step_parity import run_with_external_history
    from firmware_bench.runtime.streaming_model import HistoryModel
    from firmware_bench.runtime.tflite_model import TFLiteModel

    exported = folder / "export"
    model = HistoryModel(TFLiteModel(exported / "htf_beat-streaming.tflite"))
    whole = ecg_edge.load(exported / "htf_beat-int8.tflite")
    ecg, rr, seconds = read_beats(whole, records)
    beats = [{"ecg": e, "rr": r[-1:]} for e, r in zip(ecg, rr, strict=True)]
    found = np.array([model.run(beat) for beat in beats])
    histories = whole.task.autoregressive_inputs
    expected = run_with_external_history(TFLiteModel(exported / "htf_beat-int8.tflite"), histories, beats)
    differing = np.any(found != [outputs["probabilities"] for outputs in expected], axis=1).sum()

    inputs = {"ecg": ecg, **make_history(found, rr)}
    floats = KerasPredictor(ecg_edge.Run(folder).model())(inputs)
    half = len(beats) // 2
    row = {
        "beats": len(beats),
        "minutes": round(seconds / 60, 1),
        "differing_from_whole_file": int(differing),
        "sqnr_first_half_db": round(sqnr_db(floats[:half], found[:half]), 1),
        "sqnr_second_half_db": round(sqnr_db(floats[half:], found[half:]), 1),
    }
    report(result, "The streaming step of a beat classifier", "measured", "LiteRT; SQNR against Keras", [row])


def read_beats(model, records) -> tuple[np.ndarray, np.ndarray, float]:
    """Read the beats of records as a model takes them.

    Args:
        model: The model (ecg_edge.EcgModel).
        records: Paths of the records.

    Returns:
        The beats (n, samples, leads), the RR intervals up to each (n, previous beats), and the records' duration, s.
    """
    from ecg_edge.data.recordings import prepare_records
    from ecg_edge.records.formats.format_registry import read_record

    batches, seconds = [], 0.0
    for path in records:
        record = model.task.read(read_record(path))
        recordings = prepare_records([record], model.leads, model.window.steps, model.fs)
        batches.append(model.task.inference_examples(recordings, model.window).batch(slice(None)))
        seconds += float(recordings.lengths[0] / model.fs)
    ecg, rr = (np.concatenate([batch[name] for batch in batches]) for name in ("ecg", "rr"))
    return ecg, rr, seconds


def make_history(probabilities: np.ndarray, rr: np.ndarray) -> dict[str, np.ndarray]:
    """Return the inputs of the Keras model that a step keeps itself: RR intervals and its own labels of the beats
    before, zero ahead of the first record and never reset."""
    from ecg_edge.tasks.beat_history import BEFORE

    classes = probabilities.shape[1]
    labels = np.concatenate([np.zeros((BEFORE, classes)), np.eye(classes)[probabilities.argmax(axis=1)]])
    intervals = np.concatenate([np.zeros(BEFORE - 1), rr[:, -1]])
    count = range(len(probabilities))
    return {
        "rr": np.stack([intervals[n : n + BEFORE] for n in count]).astype(np.float32),
        "labels": np.stack([labels[n : n + BEFORE] for n in count]).astype(np.float32),
    }


if __name__ == "__main__":
    run(main)
