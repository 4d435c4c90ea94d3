"""The configuration, split and decision of a run, as far as a model is built by them."""

import json

from run_documents import sound_documents

from ecg_edge.run import Run
from firmware_bench.runtime.metadata_format import decode_metadata, encode_metadata
from fuzz.fuzzing import FuzzTarget
from fuzz.json_damage import damage_json


class RunFolderTarget(FuzzTarget):
    name = "run_folder"
    is_slow = True

    def prepare(self, folder):
        documents = sound_documents()
        # Each attempt damages one of the three; the name of which stands in front.
        self.sound = {name: json.dumps(value).encode() for name, value in documents.items()}
        return [f"{name} ".encode() + text for name, text in self.sound.items()]

    def damage(self, content, random):
        name, _, text = content.partition(b" ")
        return name + b" " + damage_json(text, random)

    def attempt(self, content, folder):
        name, _, text = content.partition(b" ")
        for each, sound in self.sound.items():
            (folder / f"{each}.json").write_bytes(text if each == name.decode() else sound)
        run = Run(folder)
        model = run.build()
        metadata = run.describe_model()
        if decode_metadata(encode_metadata(metadata)) != metadata:
            return "its metadata differ when they are written and read again"
        if model.output_shape[-1] != len(run.task.classes):
            return f"the model has {model.output_shape[-1]} outputs for {len(run.task.classes)} classes"
        if len(run.task.require_decision("thresholds")) != len(run.task.classes):
            return "the thresholds do not fit the classes"
        return None


TARGET = RunFolderTarget()
