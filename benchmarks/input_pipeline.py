"""Time of reading windows from the cache beside the training step that they feed.

    python benchmarks/input_pipeline.py [--arch cnn_att_bilstm] [--preset paper] [--batch 16] [--steps 24]

For twelve leads at the preset's length: the bare training step on a batch that stays in memory, the time to cut a batch
out of the memory-mapped recordings, as they are and with each window z-scored, and a step of the training loop's own
path.
"""

import dataclasses
import os
import statistics
import tempfile
import time

import click
import numpy as np
from benchmark_result import report, result_option, run

LEADS, FS, ROUNDS = 12, 250.0, 4
CLASSES = [str(number) for number in range(9)]


@click.command()
@click.option("--arch", default="cnn_att_bilstm", show_default=True)
@click.option("--preset", default="paper", show_default=True)
@click.option("--batch", default=16, show_default=True)
@click.option("--steps", default=24, show_default=True, help="Steps of an epoch.")
@result_option
def main(arch, preset, batch, steps, result):
    from untrained_models import build

    model = build(arch, preset, LEADS)
    import keras

    model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    samples = model.inputs[0].shape[1]
    step, read, scale, path, ratio = measure(model, samples, batch, steps)
    rows = [
        {"work": "bare training step", "ms": step, "share_of_step": 1.0},
        {"work": "reading a batch", "ms": read, "share_of_step": read / step},
        {"work": "reading a batch, each window z-scored", "ms": scale, "share_of_step": scale / step},
        {"work": "step of the training loop", "ms": path, "share_of_step": ratio},
    ]
    rows = [{**row, "ms": round(row["ms"], 1), "share_of_step": round(row["share_of_step"], 3)} for row in rows]
    conditions = f"batch {batch} of {samples} × {LEADS}, keras {keras.__version__} on {keras.backend.backend()}"
    report(result, f"Reading windows beside a training step of {arch}, {preset} preset", "measured", conditions, rows)


def measure(model, samples: int, batch: int, steps: int) -> tuple[float, float, float, float, float]:
    """Time the four kinds of work, in turn, so that their ratios hold when the clock rate changes.

    Returns:
        Medians in ms of a bare step, of reading a batch, of reading a z-scored batch and of a step of the training
        loop, and the median ratio of the last to the first.
    """
    from ecg_edge.tasks.rhythm import RhythmTask
    from ecg_edge.training.batches import Batches

    task = RhythmTask(CLASSES[: batch * steps])  # each with at least one example
    with tempfile.TemporaryDirectory() as folder:
        plain = make_examples(task, samples, batch * steps, folder)
        z_score = dataclasses.replace(plain.window, window_steps=[{"step": "zscore"}])
        scaled = dataclasses.replace(plain, window=z_score)
        batches, with_steps = (Batches(task, examples, "balanced", batch) for examples in (plain, scaled))
        batches.shuffle(0, 0)
        fixed = batches[0]
        model.train_on_batch(*fixed)
        model.fit(batches, shuffle=False, verbose=0)
        times = []
        for round_ in range(ROUNDS):
            batches.shuffle(0, round_)
            with_steps.shuffle(0, round_)
            works = (
                lambda: [model.train_on_batch(*fixed) for _ in range(steps)],
                lambda: [batches[i] for i in range(steps)],
                lambda: [with_steps[i] for i in range(steps)],
                lambda: model.fit(batches, shuffle=False, verbose=0),
            )
            times.append([1000 * time_once(work) / steps for work in works])
    step, reading, scaling, path = (statistics.median(column) for column in zip(*times, strict=True))
    return step, reading, scaling, path, statistics.median(row[3] / row[0] for row in times)


def make_examples(task, samples: int, count: int, folder: str):
    """Return one window of each of `count` recordings of noise, prepared in `folder` as the pipeline does."""
    from ecg_edge.data.examples import WindowSpec
    from ecg_edge.data.recordings import load_recordings
    from ecg_edge.records.record import Entry, Record

    leads = tuple(map(str, range(LEADS)))

    def read(entry):
        signal = np.random.default_rng(int(entry.name)).standard_normal((samples, LEADS), np.float32)
        return Record(entry.name, entry.patient, signal, FS, leads, entry.labels)

    os.environ["ECG_EDGE_CACHE"] = folder
    names = [str(number) for number in range(count)]
    entries = [Entry(name, name, name, (CLASSES[int(name) % len(CLASSES)],)) for name in names]
    recordings = load_recordings(entries, read, "benchmark", leads, [], FS)
    return task.examples(recordings, names, WindowSpec(FS, samples, samples, []), training=True)


def time_once(work) -> float:
    """Return how long a call of `work` takes, s."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    run(main)
