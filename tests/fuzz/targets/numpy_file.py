"""numpy arrays, .npy and .npz."""

import io

import numpy as np

from ecg_edge.records.signal_description import SignalDescription
from fuzz.record_target import RecordTarget


class NumpyTarget(RecordTarget):
    name, file = "numpy_file", "r.npy"
    stated = SignalDescription(250, "uV", ("I", "II"))

    def prepare(self, folder):
        plain, packed = io.BytesIO(), io.BytesIO()
        signal = np.random.default_rng(0).normal(0, 300, (300, 2))
        np.save(plain, signal)
        np.savez_compressed(packed, signal=signal, fs=250.0, units="uV", leads=["I", "II"])
        return [plain.getvalue(), packed.getvalue()]


TARGET = NumpyTarget()
