"""Adds reference vectors to an exported file: any device can compute them again (firmware_bench.runtime)."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from export.tflite import flatbuffer
from export.verify.table_mutation import Inputs, MutationAnalysis
from firmware_bench.runtime.metadata import ModelMetadata, MutationScore, ReferenceMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
from firmware_bench.runtime.reference_vector import compute_reference_outputs, digest_outputs, make_reference_inputs
from firmware_bench.runtime.tflite_model import TFLiteModel

VECTORS = 4
SEEDS = range(1, 9)
FLOAT_VALUES = 16  # recorded of each float output: as numbers, since there is no digest of values with a tolerance
MAX_HEX_DIGITS = 128  # of an integer output; a longer one is recorded as its digest
ANALYSIS_SECONDS = 30.0


def add_reference_vectors(
    data: bytes, description: ModelMetadata, vectors: int = VECTORS, windows: Inputs = ()
) -> bytes:
    """Adds metadata, reference vectors and the file's digest.

    Of a few seeds it takes the one to whose inputs the model answers with the most different integers short of 0 % and
    100 %, since saturated outputs prove little about another device; and of an integer file the first, in that order,
    whose vectors notice the damage of every table of constants.

    Args:
        data: The TFLite file.
        description: Its metadata; reference vectors and digest in them are replaced.
        vectors: How many reference vectors.
        windows: Real windows that decide, beside the vectors of all seeds, which tables can change an answer.

    Returns:
        The file.
    """
    is_float = any(tensor.dtype.startswith("float") for tensor in description.outputs)
    values = FLOAT_VALUES if is_float else None

    def describe(seed):
        return dataclasses.replace(description, reference=ReferenceMetadata(seed, vectors, values), digest="")

    def compute(seed, kernels):
        return compute_reference_outputs(TFLiteModel(flatbuffer.set_metadata(data, describe(seed)), kernels=kernels))

    optimised = {seed: compute(seed, "optimised") for seed in SEEDS}
    seeds = sorted(SEEDS, key=lambda seed: -len(set(bytes.fromhex("".join(optimised[seed]))) - {0x7F, 0x80}))
    seed, score = seeds[0], None
    if not is_float:
        plain = flatbuffer.set_metadata(data, dataclasses.replace(description, digest=""))
        inputs = {seed: make_reference_inputs(describe(seed)) for seed in seeds}
        seed, score = choose_seed(plain, inputs, windows)
    outputs = {"reference": compute(seed, "reference"), "optimised": optimised[seed]}
    if is_float:  # within the tolerance both sets are one
        tolerance, recorded = _tolerance(outputs), {"optimised": tuple(outputs["optimised"])}
    else:
        tolerance = None
        recorded = {
            kernels: tuple(digest_outputs(each) if len(each) > MAX_HEX_DIGITS else each for each in vectors_of)
            for kernels, vectors_of in outputs.items()
        }
    reference = ReferenceMetadata(seed, vectors, values, tolerance, recorded, score)
    metadata = dataclasses.replace(description, digest=DIGEST_PLACEHOLDER, reference=reference)
    return insert_digest(flatbuffer.set_metadata(data, metadata))


def choose_seed(data: bytes, inputs: Mapping[int, Inputs], windows: Inputs = ()) -> tuple[int, MutationScore]:
    """Chooses the reference vectors that notice most damaged tables.

    Args:
        data: An integer TFLite file without a digest.
        inputs: Seed → its vectors, the first choice first.
        windows: Real windows.

    Returns:
        The seed, the first of equals, and its score.
    """
    analysis = MutationAnalysis(data, ANALYSIS_SECONDS, len(next(iter(inputs.values()))))
    expected = {seed: analysis.run(inputs[seed]) for seed in inputs}
    silent = {}
    for seed in inputs:
        silent[seed] = {table for table in analysis.tables if not analysis.notices(table, inputs[seed], expected[seed])}
        best = min(silent, key=lambda seed: len(silent[seed]))
        # What none of several seeds notices can hardly change an answer.
        if (len(silent) > 1 and silent[best] == set.intersection(*silent.values())) or not silent[best]:
            break
    answers = analysis.run(windows)
    effective = [
        table.name
        for table in silent[best]
        if any(analysis.notices(table, inputs[seed], expected[seed]) for seed in inputs if seed != best)
        or analysis.notices(table, windows, answers)
    ]
    noticed = len(analysis.tables) - len(silent[best])
    return best, MutationScore(noticed, noticed + len(effective), tuple(sorted(effective)))


def _tolerance(outputs: Mapping[str, Sequence[str]]) -> float:
    """By how much float outputs computed from integers may differ between processors: twice the difference of two sets
    of kernels here, and at least two steps of 8 bits."""
    ours, theirs = (
        np.frombuffer(bytes.fromhex("".join(outputs[kernels])), "<f4") for kernels in ("reference", "optimised")
    )
    return round(float(2 * max(np.abs(ours - theirs).max(), np.abs(ours).max() / 256)), 6)
