"""What reading windows from the cache costs beside the training step they feed.

    python benchmarks/input_pipeline.py

Prints, for cnn_att_bilstm at paper size (15000 × 12, batch 16): the bare training step on a batch that stays in
memory, the time to read and gather a batch from the memory-mapped cache, and a step of the training loop's own path.
"""

import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from ecg_edge.records.record import Entry
from ecg_edge.tasks.examples import Examples, WindowCache
from ecg_edge.training.batches import Batches
from models_keras.registry import find

SAMPLES, LEADS, BATCH, STEPS = 15000, 12, 16, 24


def cache(folder, windows):
    """A cache of random windows on disk, as the pipeline would have made it."""
    path = os.path.join(folder, "windows.f32")
    random = np.random.default_rng(0)
    with open(path, "wb") as file:
        for _ in range(windows):
            random.standard_normal((SAMPLES, LEADS), np.float32).tofile(file)
    mapped = np.memmap(path, np.float32, mode="r", shape=(windows, SAMPLES, LEADS))
    entries = [Entry(str(i), str(i), str(i)) for i in range(windows)]
    return WindowCache(mapped, np.arange(windows, dtype=np.int32), entries, {}, {})


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    model = find("cnn_att_bilstm").build(SAMPLES, LEADS, 9)
    model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        windows = cache(folder, BATCH * STEPS)
        targets = np.arange(len(windows.records)) % 9
        batches = Batches(Examples(windows, windows.records), targets, np.ones(len(targets), np.float32), BATCH)
        fixed = batches[0]
        model.train_on_batch(*fixed)
        model.fit(batches, verbose=0)

        bare, reading, path = [], [], []
        for round_ in range(4):  # in turn, so that the ratios hold when the clock drifts
            batches.shuffle(0, round_)
            bare.append(timed(lambda: [model.train_on_batch(*fixed) for _ in range(STEPS)]) / STEPS)
            reading.append(timed(lambda: [batches[i] for i in range(STEPS)]) / STEPS)
            path.append(timed(lambda: model.fit(batches, verbose=0)) / STEPS)
    step = statistics.median(bare)
    ratios = [p / b for p, b in zip(path, bare, strict=True)]
    read = statistics.median(reading)
    print(f"measured, batch {BATCH} of {SAMPLES} × {LEADS}, keras {keras.__version__} on {keras.backend.backend()}")
    print(f"bare training step         {step * 1e3:7.1f} ms  {BATCH / step:.1f} recordings a second")
    print(f"reading a batch            {read * 1e3:7.1f} ms  {read / step:.1%} of a bare step")
    print(f"step of the training loop  {statistics.median(path) * 1e3:7.1f} ms  {statistics.median(ratios):.3f} × bare")


if __name__ == "__main__":
    main()
