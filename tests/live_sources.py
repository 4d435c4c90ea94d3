"""Reading a live signal in tests: its blocks, and what was reported."""

import numpy as np

from ecg_edge.reporter import Reporter
from firmware_bench.runtime.metadata import ModelMetadata


class Messages(Reporter):
    def __init__(self):
        self.texts, self.seconds = [], []

    def message(self, text):
        self.texts.append(text)

    def progress(self, stage, done, total):
        self.seconds.append((stage, done, total))


def blocks_of(source, leads=("I", "II"), reporter=None, **metadata):
    signal = source.open(ModelMetadata(leads=leads, fs=100.0, **metadata), reporter or Reporter())
    return signal, np.concatenate(list(signal.blocks))
