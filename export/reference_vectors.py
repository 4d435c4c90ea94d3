"""Adds reference vectors to an exported file: any device can compute them again (firmware_bench.runtime)."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from export.tflite import flatbuffer
from export.verify.table_mutation import Inputs, MutationAnalysis
from firmware_bench.runtime.metadata import ModelMetadata, MutationScore, ReferenceMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
from firmware_bench.runtime.reference_vector import compute_reference_outputs, digest_outputs, make_reference_inputs
from firmware_bench.runtime.tflite_model import TFLiteModel

VECTORS = 4
MOST_VECTORS = 64
ENOUGH_TRIES = 4  # of seeds and forms, once some vectors notice every table
SEEDS = range(1, 9)
FLOAT_VALUES = 16  # recorded of each float output: as numbers, since there is no digest of values with a tolerance
MAX_HEX_DIGITS = 128  # of an integer output; a longer one is recorded as its digest
ANALYSIS_SECONDS = 30.0


def add_reference_vectors(
    data: bytes, description: ModelMetadata, vectors: int = VECTORS, windows: Inputs = ()
) -> bytes:
    """Adds metadata, reference vectors and the file's digest.

    Of a few seeds it takes the one to whose inputs the model answers with the most different integers short of 0 % and
    100 %, since saturated outputs prove little about another device; and of an integer file the vectors that notice
    the damage of every table of constants, in that order (`choose_vectors`).

    Args:
        data: The TFLite file.
        description: Its metadata; reference vectors and digest in them are replaced.
        vectors: How many reference vectors, at least.
        windows: Real windows that decide, beside the vectors of all seeds, which tables can change an answer.

    Returns:
        The file.
    """
    is_float = any(tensor.dtype.startswith("float") for tensor in description.outputs)
    values = FLOAT_VALUES if is_float else None

    def describe(reference):
        return dataclasses.replace(description, reference=reference, digest="")

    def compute(reference, kernels):
        described = flatbuffer.set_metadata(data, describe(dataclasses.replace(reference, values=values)))
        return compute_reference_outputs(TFLiteModel(described, kernels=kernels))

    def count_answers(reference):
        outputs = "".join(compute(reference, "optimised"))
        return len(set(bytes.fromhex(outputs)) - {0x7F, 0x80})

    references = sorted((ReferenceMetadata(seed, vectors) for seed in SEEDS), key=count_answers, reverse=True)
    reference = references[0]
    if not is_float:
        plain = flatbuffer.set_metadata(data, dataclasses.replace(description, digest=""))
        reference = choose_vectors(plain, references, lambda each: make_reference_inputs(describe(each)), windows)
    outputs = {kernels: compute(reference, kernels) for kernels in ("reference", "optimised")}
    if is_float:  # within the tolerance both sets are one
        tolerance, recorded = _tolerance(outputs), {"optimised": tuple(outputs["optimised"])}
    else:
        tolerance = None
        recorded = {
            kernels: tuple(digest_outputs(each) if len(each) > MAX_HEX_DIGITS else each for each in vectors_of)
            for kernels, vectors_of in outputs.items()
        }
    reference = dataclasses.replace(reference, values=values, tolerance=tolerance, outputs=recorded)
    metadata = dataclasses.replace(description, digest=DIGEST_PLACEHOLDER, reference=reference)
    return insert_digest(flatbuffer.set_metadata(data, metadata))


def choose_vectors(
    data: bytes,
    references: Sequence[ReferenceMetadata],
    draw: Callable[[ReferenceMetadata], Inputs],
    windows: Inputs = (),
) -> ReferenceMetadata:
    """Chooses the reference vectors that notice every damaged table which can change an answer, or most of them.

    A table can change an answer where the vectors of any seed, random rows or real windows notice its damage. ECG-like
    vectors and random rows, as features of beats are, are tried in turn, and more vectors where some do not suffice.

    Args:
        data: An integer TFLite file without a digest.
        references: ECG-like vectors of several seeds, the first choice first.
        draw: Draws the inputs of such vectors.
        windows: Real windows.

    Returns:
        The vectors, of equals the first ones, with their score.
    """
    least = references[0].vectors
    analysis = MutationAnalysis(data, ANALYSIS_SECONDS, least)
    rows = [dataclasses.replace(reference, form="rows") for reference in references]
    others = [inputs for inputs in (windows, *(draw(each) for each in (*references, *rows[:2]))) if inputs]
    answers = [analysis.run(inputs) for inputs in others]
    can_change = functools.cache(
        lambda table: any(analysis.notices(table, *each) for each in zip(others, answers, strict=True))
    )

    def find_silent(tables, inputs):
        expected = analysis.run(inputs)
        return {table for table in tables if not analysis.notices(table, inputs, expected)}

    best, least_key = references[0], (len(analysis.tables) + 1, 0)
    for number, reference in enumerate(itertools.chain(*zip(references, rows, strict=True))):
        silent = find_silent(analysis.tables, draw(reference))
        while (effective := set(filter(can_change, silent))) and reference.vectors < MOST_VECTORS:
            more = dataclasses.replace(reference, vectors=2 * reference.vectors)
            silent = find_silent(silent, draw(more)[reference.vectors :])
            reference = more
        key = len(effective), reference.vectors
        if key < least_key:
            noticed, names = len(analysis.tables) - len(silent), tuple(sorted(table.name for table in effective))
            score = MutationScore(noticed, noticed + len(names), names)
            best, least_key = dataclasses.replace(reference, mutation=score), key
        if least_key == (0, least) or (least_key[0] == 0 and number + 1 >= ENOUGH_TRIES):
            break
    return best


def _tolerance(outputs: Mapping[str, Sequence[str]]) -> float:
    """By how much float outputs computed from integers may differ between processors: twice the difference of two sets
    of kernels here, and at least two steps of 8 bits."""
    ours, theirs = (
        np.frombuffer(bytes.fromhex("".join(outputs[kernels])), "<f4") for kernels in ("reference", "optimised")
    )
    return round(float(2 * max(np.abs(ours - theirs).max(), np.abs(ours).max() / 256)), 6)
