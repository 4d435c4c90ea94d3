"""The state of an interrupted training."""

import numpy as np

from ecg_edge.keras_backend import import_keras
from ecg_edge.training import checkpoint
from ecg_edge.training.checkpoint import Progress
from fuzz.fuzzing import FuzzTarget
from fuzz.zip_damage import damage_archive


class CheckpointTarget(FuzzTarget):
    name = "checkpoint"
    is_slow = True

    def prepare(self, folder):
        import_keras()
        import keras

        self.model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.1)])
        self.model.compile(keras.optimizers.Adam(), "mse")
        row = {"epoch": 1, "loss": 0.5, "validation_loss": 0.4, "validation_score": float("nan")}
        progress = Progress(2, 0.4, 1, 0, [row, {**row, "epoch": 2}])
        checkpoint.save(folder / "last.npz", self.model, progress)
        return [(folder / "last.npz").read_bytes()]

    def damage(self, content, random):
        return damage_archive(content, random)

    def attempt(self, content, folder):
        (folder / "last.npz").write_bytes(content)
        progress = checkpoint.restore(folder / "last.npz", self.model)
        if len(progress.history) != progress.epoch or np.isnan(progress.best_loss):
            return f"the progress is {progress}"
        return None


TARGET = CheckpointTarget()
