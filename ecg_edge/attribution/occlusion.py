"""Occlusion: how much a label's probability falls when a part of the input is taken away (Zeiler & Fergus, "Visualizing
and Understanding Convolutional Networks", arXiv 1311.2901, section 4.2). It works on any model, an integer file too.

A part of a lead is replaced by the straight line between its ends, as if there were no wave, so that no edge arises.
"""

from collections.abc import Callable, Mapping

import numpy as np

PART_S = 0.2  # duration of a part that is taken away; the next one starts half of it later
MOST_PARTS = 100  # of a window and lead: longer windows have longer parts
BATCH = 64

Probabilities = Callable[[dict[str, np.ndarray]], np.ndarray]


def occlude_windows(
    predict: Probabilities, inputs: Mapping[str, np.ndarray], targets: np.ndarray, fs: float
) -> np.ndarray:
    """Occlude windows part by part: each lead alone, and all leads together.

    Args:
        predict: Inputs by name, (n, …) float32 → probabilities (n, classes).
        inputs: The model's inputs by name, "ecg" (n, samples, leads) among them.
        targets: The class of each window to explain, int (n,).
        fs: Sampling rate of the windows, Hz.

    Returns:
        (n, samples, leads) float32, on average of the parts that hold a sample: by how much the probability falls
        without the part of a lead, plus an equal share of what it falls more without that of all leads. The leads add
        up to the fall without all of them.
    """
    count, samples, leads = inputs["ecg"].shape
    hop = max(1, round(PART_S / 2 * fs), -(-samples // MOST_PARTS))
    spans = [(start, min(start + 2 * hop, samples)) for start in range(0, samples, hop)]
    columns = [slice(lead, lead + 1) for lead in range(leads)] + [slice(None)]
    parts = [(span, column) for column in columns for span in spans]
    sums, times = np.zeros((count, samples, leads)), np.zeros((samples, 1))
    for first, stop in spans:
        times[first:stop] += 1
    whole = predict(dict(inputs))
    for position, target in enumerate(targets):
        ecg, falls = inputs["ecg"][position], np.zeros(len(parts))
        for begin in range(0, len(parts), BATCH):
            chosen = parts[begin : begin + BATCH]
            batch = {name: np.repeat(given[position : position + 1], len(chosen), 0) for name, given in inputs.items()}
            for copy, ((first, stop), column) in zip(batch["ecg"], chosen, strict=True):
                copy[first:stop, column] = np.linspace(ecg[first, column], ecg[stop - 1, column], stop - first)
            falls[begin : begin + BATCH] = whole[position, target] - predict(batch)[:, target]
        *alone, together = falls.reshape(leads + 1, len(spans))
        share = (together - np.sum(alone, axis=0)) / leads
        for number, (first, stop) in enumerate(spans):
            sums[position, first:stop] += [fall[number] + share[number] for fall in alone]
    return (sums / times).astype(np.float32)


def occlude_beats(predict: Probabilities, inputs: Mapping[str, np.ndarray], targets: np.ndarray) -> np.ndarray:
    """Leave out each beat of sequences of beats, one by one.

    Args:
        predict: As for `occlude_windows`.
        inputs: The model's inputs by name, "weights" (n, beats) among them: 1 / number of beats, 0 for padding.
        targets: The class of each sequence to explain, int (n,).

    Returns:
        (n, beats) float32: by how much the probability falls without a beat, 0 for padding and for an only beat.
    """
    found = np.zeros_like(inputs["weights"])
    whole = predict(dict(inputs))
    for position, target in enumerate(targets):
        beats = np.flatnonzero(inputs["weights"][position])
        if len(beats) < 2:
            continue
        batch = {name: np.repeat(values[position : position + 1], len(beats), 0) for name, values in inputs.items()}
        batch["weights"][np.arange(len(beats)), beats] = 0.0
        batch["weights"] /= batch["weights"].sum(axis=1, keepdims=True)
        found[position, beats] = whole[position, target] - predict(batch)[:, target]
    return found
