"""Exported files from strangers: hostile numbers anywhere in the structure, and a digest that matches."""

import numpy as np

from ecg_edge.api.prediction import load
from fuzz.damaged_model import DamagedModelTarget

SIGNAL = np.random.default_rng(0).normal(scale=0.3, size=(300, 2))  # mV; that it is no ECG does not matter here


class TFLiteTarget(DamagedModelTarget):
    name = "tflite"

    def attempt(self, content, folder):
        (folder / "model.tflite").write_bytes(content)
        model = load(folder / "model.tflite")
        prediction = model.predict(SIGNAL, fs=100.0, leads=["I", "II"], force=True)
        if not all(0 <= value <= 1.0001 for value in prediction.probabilities.values()):
            return f"the probabilities are {prediction.probabilities}"
        return None


TARGET = TFLiteTarget()
