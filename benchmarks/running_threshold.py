"""How often the running threshold of an anomaly detector calls windows of a stream abnormal.

    python benchmarks/running_threshold.py RUN

The windows of recordings of the run's test part, each prepared by itself and without its first window, are
joined to streams: of normal recordings, of abnormal ones, and of an abnormal one behind every six normal ones. Scores
are the Keras model's; the threshold is the device's. A window counts as its recording.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

from firmware_bench.front_end.window_score import SCORE_BITS, RunningThreshold
from firmware_bench.runtime.errors import InputError

BETWEEN = 6  # normal recordings before an abnormal one
SEED = 0  # of the order of recordings

Recording = tuple[bool, np.ndarray]  # whether it is abnormal, and the scores of its windows


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@result_option
def main(folder, result):
    recordings, fixed = score_windows(folder)
    order = np.random.default_rng(SEED).permutation(len(recordings))
    normal, abnormal = ([recordings[n] for n in order if recordings[n][0] is kind] for kind in (False, True))
    if not (normal and abnormal):
        raise InputError(f"the test part of {folder} has recordings of one kind alone")
    streams = {
        "normal recordings": normal,
        "abnormal recordings": abnormal,
        f"an abnormal one behind every {BETWEEN} normal ones": alternate(normal, abnormal),
    }
    rows = [{"stream": title, **judge_stream(stream, fixed)} for title, stream in streams.items()]
    conditions = (
        f"{len(normal)} normal and {len(abnormal)} abnormal recordings of the test part; windows one after "
        "another, scores of the Keras model; a window counts as its recording"
    )
    report(result, "Windows of a stream that are called abnormal", "measured", conditions, rows)


def score_windows(folder: Path) -> tuple[list[Recording], float]:
    """Return the scores of the recordings of a run's test part, and the run's threshold."""
    from ecg_edge import Run
    from ecg_edge.tasks.anomaly import AnomalyTask
    from ecg_edge.tasks.predictor import KerasPredictor

    trained = Run(folder)
    task = trained.task
    if not isinstance(task, AnomalyTask):
        raise InputError(f"{folder} is no detector of anomalies")
    window = trained.settings.signal.window_spec()
    window = dataclasses.replace(window, stride=window.samples)  # as a device takes them
    examples = task.examples(trained.recordings(), trained.split["test"], window)
    examples = examples.take(np.flatnonzero(examples.starts > 0))
    scores = task.decide(task.predict(KerasPredictor(trained.model()), examples))
    records = np.unique(examples.records)
    found = [(bool(examples.targets[examples.records == n][0]), scores[examples.records == n]) for n in records]
    return found, float(task.require_decision("threshold"))


def alternate(normal: Sequence[Recording], abnormal: Sequence[Recording]) -> list[Recording]:
    """Return each abnormal recording behind some normal ones, which come again from the first on."""
    mixed = []
    for number, ill in enumerate(abnormal):
        mixed += [normal[(number * BETWEEN + n) % len(normal)] for n in range(BETWEEN)] + [ill]
    return mixed


def judge_stream(stream: Sequence[Recording], fixed: float) -> dict:
    """Return how many windows of each kind a stream has, and how many are above the running threshold and above the
    fixed one, in percent."""
    running = RunningThreshold(round(fixed * (1 << SCORE_BITS)))
    scores = [round(score * (1 << SCORE_BITS)) for _, own in stream for score in own.tolist()]
    above = {
        "running": np.array([score > running.judge(score) for score in scores]),
        "fixed": np.array(scores) > fixed * (1 << SCORE_BITS),
    }
    ill = np.repeat([kind for kind, _ in stream], [len(own) for _, own in stream])
    row = {}
    for name, chosen in (("normal", ~ill), ("abnormal", ill)):
        if chosen.any():
            row[f"{name}_windows"] = int(chosen.sum())
            row |= {
                f"{name}_{kind}_percent": round(100 * float(over[chosen].mean()), 1) for kind, over in above.items()
            }
    return row


if __name__ == "__main__":
    run(main)
