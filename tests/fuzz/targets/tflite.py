"""Exported files from strangers: hostile numbers anywhere in the structure, and a digest that matches."""

import os

import numpy as np
from handmade_tflite import renew_digest, small_network

from ecg_edge.api.prediction import load
from fuzz.flatbuffer_damage import damage_structure, list_numbers
from fuzz.fuzzing import FuzzTarget


class TFLiteTarget(FuzzTarget):
    name = "tflite"
    is_slow = True

    def prepare(self, folder):
        os.environ["ECG_EDGE_CACHE"] = str(folder / "cache")
        self.numbers = list_numbers(small_network())
        return [small_network()]

    def damage(self, content, random):
        return renew_digest(damage_structure(content, self.numbers, random))

    def attempt(self, content, folder):
        (folder / "model.tflite").write_bytes(content)
        model = load(folder / "model.tflite")
        prediction = model.predict(np.zeros((300, 2)), fs=100.0, leads=["I", "II"])
        if not all(0 <= value <= 1.0001 for value in prediction.probabilities.values()):
            return f"the probabilities are {prediction.probabilities}"
        return None


TARGET = TFLiteTarget()
