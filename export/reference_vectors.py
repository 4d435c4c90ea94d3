"""Adds reference vectors to an exported file: any device can compute them again (firmware_bench.runtime)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from export.tflite import flatbuffer
from export.verify.table_mutation import ConstantTable, Inputs, MutationAnalysis
from firmware_bench.runtime.metadata import ModelMetadata, MutationScore, ReferenceMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
from firmware_bench.runtime.reference_vector import compute_reference_outputs, digest_outputs, make_reference_inputs
from firmware_bench.runtime.tflite_model import TFLiteModel

VECTORS = 4
MOST_VECTORS = 32
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
    """Chooses the reference vectors that notice most damaged tables.

    Where a table that can change an answer is not noticed by ECG-like vectors, as features of beats are none, random
    rows are tried, and then more vectors.

    Args:
        data: An integer TFLite file without a digest.
        references: ECG-like vectors of several seeds, the first choice first.
        draw: Draws the inputs of such vectors.
        windows: Real windows.

    Returns:
        The vectors, of equals the first ones, with their score.
    """
    analysis = MutationAnalysis(data, ANALYSIS_SECONDS, references[0].vectors)
    rows = [dataclasses.replace(reference, form="rows") for reference in references]

    others = [windows, *(draw(each) for each in (*references, *rows[:2]))]
    tried = [(inputs, analysis.run(inputs)) for inputs in others if inputs]

    def find(candidates):
        """The best vectors, with more of them where that helps, the tables that they do not notice, and those of these
        that can change an answer."""
        best, silent = _find_best(analysis, candidates, draw)
        effective = {table for table in silent if any(analysis.notices(table, *each) for each in tried)}
        while effective and best.vectors < MOST_VECTORS:
            more = dataclasses.replace(best, vectors=2 * best.vectors)
            added = draw(more)[best.vectors :]
            expected = analysis.run(added)
            silent = {table for table in silent if not analysis.notices(table, added, expected)}
            best, effective = more, effective & silent
        return best, silent, effective

    reference, silent, effective = found = find(references)
    if reference.vectors > references[0].vectors:
        reference, silent, effective = min(found, find(rows), key=lambda each: (len(each[2]), each[0].vectors))
    noticed = len(analysis.tables) - len(silent)
    names = tuple(sorted(table.name for table in effective))
    return dataclasses.replace(reference, mutation=MutationScore(noticed, noticed + len(names), names))


def _find_best(
    analysis: MutationAnalysis,
    references: Sequence[ReferenceMetadata],
    draw: Callable[[ReferenceMetadata], Inputs],
) -> tuple[ReferenceMetadata, set[ConstantTable]]:
    """Finds the vectors that notice most damaged tables, and the tables that they do not notice."""
    silent: list[set[ConstantTable]] = []
    best = 0
    for reference in references:
        inputs = draw(reference)
        expected = analysis.run(inputs)
        silent.append({table for table in analysis.tables if not analysis.notices(table, inputs, expected)})
        best = min(range(len(silent)), key=lambda n: len(silent[n]))
        # What none of several seeds notices can hardly change an answer.
        if not silent[best] or (len(silent) > 1 and silent[best] == set.intersection(*silent)):
            break
    return references[best], silent[best]


def _tolerance(outputs: Mapping[str, Sequence[str]]) -> float:
    """By how much float outputs computed from integers may differ between processors: twice the difference of two sets
    of kernels here, and at least two steps of 8 bits."""
    ours, theirs = (
        np.frombuffer(bytes.fromhex("".join(outputs[kernels])), "<f4") for kernels in ("reference", "optimised")
    )
    return round(float(2 * max(np.abs(ours - theirs).max(), np.abs(ours).max() / 256)), 6)
