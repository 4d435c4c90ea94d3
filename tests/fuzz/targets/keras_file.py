"""The Keras file of a run: damaged, or made to harm."""

import json

from run_documents import sound_documents, write_documents

from ecg_edge.run import Run
from fuzz.fuzzing import FuzzTarget
from fuzz.zip_damage import damage_archive


class KerasFileTarget(FuzzTarget):
    name = "keras_file"
    is_slow = True

    def prepare(self, folder):
        run = Run(write_documents(folder, sound_documents()))
        run.build().save(folder / "model.keras")
        self.config = json.loads((folder / "config.json").read_text())
        return [(folder / "model.keras").read_bytes()]

    def damage(self, content, random):
        return damage_archive(content, random)

    def attempt(self, content, folder):
        write_documents(folder, sound_documents())
        (folder / "model.keras").write_bytes(content)
        model = Run(folder).model()
        return None if model.count_params() else "the model has no weights"


TARGET = KerasFileTarget()
