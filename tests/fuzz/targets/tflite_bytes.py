"""Exported files that a transfer damaged: the digest tells."""

import os

from handmade_tflite import small_network

from ecg_edge.api.prediction import load
from fuzz.fuzzing import FuzzTarget


class TFLiteBytesTarget(FuzzTarget):
    name = "tflite_bytes"

    def prepare(self, folder):
        os.environ["ECG_EDGE_CACHE"] = str(folder / "cache")
        self.sound = small_network()
        return [self.sound]

    def attempt(self, content, folder):
        (folder / "model.tflite").write_bytes(content)
        load(folder / "model.tflite")
        # The digest stands in the file once; whoever damages a file by accident does not compute it anew.
        return None if content == self.sound else "a damaged file was loaded"


TARGET = TFLiteBytesTarget()
