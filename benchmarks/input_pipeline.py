"""What reading windows from the cache costs beside the training step they feed.

    python benchmarks/input_pipeline.py

Prints, for cnn_att_bilstm at paper size (15000 × 12, batch 16): the bare training step on a batch that stays in
memory, the time to cut a batch out of the memory-mapped recordings, as they are and with each window z-scored, and a
step of the training loop's own path.
"""

import dataclasses
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import load_recordings
from ecg_edge.records.record import Entry, Record
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.training.batches import Batches
from models_keras.registry import find

SAMPLES, LEADS, BATCH, STEPS, FS = 15000, 12, 16, 24, 250.0
CLASSES = [str(number) for number in range(9)]


def random_recording(entry):
    """A minute of noise."""
    signal = np.random.default_rng(int(entry.name)).standard_normal((SAMPLES, LEADS), np.float32)
    return Record(entry.name, entry.patient, signal, FS, tuple(map(str, range(LEADS))), entry.labels)


def examples(task, folder):
    """A window of each of BATCH · STEPS recordings, which lie in the cache as the pipeline puts them there."""
    os.environ["ECG_EDGE_CACHE"] = folder
    names = [str(number) for number in range(BATCH * STEPS)]
    entries = [Entry(name, name, name, (CLASSES[int(name) % 9],)) for name in names]
    leads = tuple(map(str, range(LEADS)))
    recordings = load_recordings(entries, random_recording, "benchmark", leads, [], FS)
    return task.examples(recordings, names, WindowSpec(FS, SAMPLES, SAMPLES, []), training=True)


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    task = RhythmTask(CLASSES)
    model = find("cnn_att_bilstm").build(SAMPLES, LEADS, len(CLASSES))
    model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        plain = examples(task, folder)
        scaled = dataclasses.replace(plain, window=dataclasses.replace(plain.window, window_steps=[{"step": "zscore"}]))
        batches, with_steps = (Batches(task, own, "balanced", BATCH) for own in (plain, scaled))
        batches.shuffle(0, 0)
        fixed = batches[0]
        model.train_on_batch(*fixed)
        model.fit(batches, shuffle=False, verbose=0)

        bare, reading, scaling, path = [], [], [], []
        for round_ in range(4):  # in turn, so that the ratios hold when the clock drifts
            batches.shuffle(0, round_)
            with_steps.shuffle(0, round_)
            bare.append(timed(lambda: [model.train_on_batch(*fixed) for _ in range(STEPS)]) / STEPS)
            reading.append(timed(lambda: [batches[i] for i in range(STEPS)]) / STEPS)
            scaling.append(timed(lambda: [with_steps[i] for i in range(STEPS)]) / STEPS)
            path.append(timed(lambda: model.fit(batches, shuffle=False, verbose=0)) / STEPS)
    step, read, scale = (statistics.median(times) for times in (bare, reading, scaling))
    ratios = [p / b for p, b in zip(path, bare, strict=True)]
    print(f"measured, batch {BATCH} of {SAMPLES} × {LEADS}, keras {keras.__version__} on {keras.backend.backend()}")
    print(f"bare training step         {step * 1e3:7.1f} ms  {BATCH / step:.1f} recordings a second")
    print(f"reading a batch            {read * 1e3:7.1f} ms  {read / step:.1%} of a bare step")
    print(f"the same, each z-scored    {scale * 1e3:7.1f} ms  {scale / step:.1%} of a bare step")
    print(f"step of the training loop  {statistics.median(path) * 1e3:7.1f} ms  {statistics.median(ratios):.3f} × bare")


if __name__ == "__main__":
    main()
