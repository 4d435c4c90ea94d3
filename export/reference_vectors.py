"""Adds reference vectors to an exported file: any device can compute them again (firmware_bench.runtime)."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
from firmware_bench.runtime.reference_vector import compute_reference_outputs, digest_outputs
from firmware_bench.runtime.tflite_model import TFLiteModel

VECTORS = 4
SEEDS = range(1, 9)
FLOAT_VALUES = 16  # recorded of each float output: as numbers, since there is no digest of values with a tolerance
MAX_HEX_DIGITS = 128  # of an integer output; a longer one is recorded as its digest


def add_reference_vectors(data: bytes, description: ModelMetadata, vectors: int = VECTORS) -> bytes:
    """Adds metadata, reference vectors and the file's digest.

    Of a few seeds it takes the one to whose inputs the model answers with the most different integers short of 0 % and
    100 %: saturated outputs would prove little about another device.

    Args:
        data: The TFLite file.
        description: Its metadata; reference vectors and digest in them are replaced.
        vectors: How many reference vectors.

    Returns:
        The file.
    """
    values = FLOAT_VALUES if any(tensor.dtype.startswith("float") for tensor in description.outputs) else None

    def compute(seed, kernels):
        metadata = dataclasses.replace(description, reference=ReferenceMetadata(seed, vectors, values), digest="")
        return compute_reference_outputs(TFLiteModel(flatbuffer.set_metadata(data, metadata), kernels=kernels))

    optimised = {seed: compute(seed, "optimised") for seed in SEEDS}
    seed = max(optimised, key=lambda seed: len(set(bytes.fromhex("".join(optimised[seed]))) - {0x7F, 0x80}))
    outputs = {"reference": compute(seed, "reference"), "optimised": optimised[seed]}
    if values:  # within the tolerance both sets are one
        tolerance, recorded = _tolerance(outputs), {"optimised": tuple(outputs["optimised"])}
    else:
        tolerance = None
        recorded = {
            kernels: tuple(digest_outputs(each) if len(each) > MAX_HEX_DIGITS else each for each in vectors_of)
            for kernels, vectors_of in outputs.items()
        }
    reference = ReferenceMetadata(seed, vectors, values, tolerance, recorded)
    metadata = dataclasses.replace(description, digest=DIGEST_PLACEHOLDER, reference=reference)
    return insert_digest(flatbuffer.set_metadata(data, metadata))


def _tolerance(outputs: Mapping[str, Sequence[str]]) -> float:
    """By how much float outputs computed from integers may differ between processors: twice the difference of two sets
    of kernels here, and at least two steps of 8 bits."""
    ours, theirs = (
        np.frombuffer(bytes.fromhex("".join(outputs[kernels])), "<f4") for kernels in ("reference", "optimised")
    )
    return round(float(2 * max(np.abs(ours - theirs).max(), np.abs(ours).max() / 256)), 6)
