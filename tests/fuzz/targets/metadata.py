"""The metadata of an exported model: JSON from whoever made the file."""

from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata
from firmware_bench.runtime.metadata_format import decode_metadata, encode_metadata
from fuzz.fuzzing import FuzzTarget


class MetadataTarget(FuzzTarget):
    name = "metadata"

    def prepare(self, folder):
        task = TaskMetadata("rhythm", {"embedder": "runs/beats"})
        return [encode_metadata(ModelMetadata(task=task, labels=("AF", "SNR"), leads=("I",), fs=250.0))]

    def attempt(self, content, folder):
        metadata = decode_metadata(content)
        if decode_metadata(encode_metadata(metadata)) != metadata:
            return "what was read differs when it is written and read again"
        return None


TARGET = MetadataTarget()
