"""Golden inputs and outputs of a model's file: what it is given for synthetic ECG, and what its reference kernels make
of it. A step that keeps states has sequences of runs, each from a reset on.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_edge.api.model_loading import find_embedder
from ecg_edge.api.prediction import EcgModel
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.tflite_model import TFLiteModel

RECORDINGS = (("SNR", 1), ("AF", 2), ("PVC", 3), ("SBR", 4), ("SVTA", 5), ("LBBB", 6))  # rhythms and seeds
SEQUENCES = 3  # of a step: its recordings
STREAM_WINDOWS = 1.5  # length of a stream's recordings: the mean of the first window becomes a moving one
LEAST_SECONDS = 10.0  # of a recording, of which a model of beats takes one after the other


class RecordedModel(TFLiteModel):
    """A file in LiteRT's reference kernels that keeps the raw inputs and outputs of its runs."""

    def __init__(self, file: Path):
        super().__init__(file, kernels="reference")
        self.runs: list[tuple[list[np.ndarray], list[np.ndarray]]] = []

    def run_raw(self, arrays):
        outputs = super().run_raw(arrays)
        self.runs.append((list(arrays), outputs))
        return outputs


def make_golden(file: Path) -> dict[str, np.ndarray]:
    """Make the golden inputs and outputs of a file.

    Args:
        file: The exported file; of a model that takes features of beats, its beat classifier's file lies beside it.

    Returns:
        "input_NAME" and "output_NAME" → integers (runs, …). Of a step that keeps states, these are without the states;
        "begins" are the runs, int64 (sequences,), before which it is reset, and "state_NAME" the integers
        (sequences, …) of each state after the last run of a sequence.
    """
    network = RecordedModel(file)
    states = list_states(network.metadata)
    begins = predict_synthetic(network, file, RECORDINGS[:SEQUENCES] if states else RECORDINGS)
    inputs, outputs = ([np.concatenate(arrays) for arrays in zip(*kind, strict=True)]
                       for kind in zip(*network.runs, strict=True))  # fmt: skip
    golden = {f"input_{t.name}": x for t, x in zip(network.inputs, inputs, strict=True) if t.name not in states}
    for tensor, values in zip(network.outputs, outputs, strict=True):
        if tensor.name not in states.values():
            golden[f"output_{tensor.name}"] = values
    if states:
        produced = {tensor.name: values for tensor, values in zip(network.outputs, outputs, strict=True)}
        last = np.array([*begins[1:], len(network.runs)]) - 1
        golden["begins"] = np.array(begins)
        golden |= {f"state_{name}": produced[after][last] for name, after in states.items()}
    return golden


def list_states(metadata: ModelMetadata) -> dict[str, str]:
    """The states of a step: input → the output that is its next value; of other files {}."""
    kept = metadata.streaming or metadata.history
    return {name: f"next_{name}" for name in kept.states} if kept else {}


def predict_synthetic(network: RecordedModel, file: Path, recordings: Sequence[tuple[str, int]]) -> list[int]:
    """Predict synthetic recordings as `ecg-edge predict` does, with `network` in the place of its file.

    Args:
        network: The file.
        file: Its path.
        recordings: Rhythm and seed of each.

    Returns:
        Before each recording, how often the network had run.
    """
    predictor = TFLitePredictor(network)
    model = EcgModel(predictor, network.metadata, str(file), find_embedder(file, network.metadata))
    seconds = model.window.samples / model.window.fs
    if network.metadata.streaming:
        samples = round(STREAM_WINDOWS * model.window.samples)
        model.window = dataclasses.replace(model.window, samples=samples, stride=samples)
        seconds *= STREAM_WINDOWS
    # "lead 1" is a lead by position.
    leads = tuple(name if name in STANDARD_LEADS else STANDARD_LEADS[n] for n, name in enumerate(model.leads))
    begins = []
    for rhythm, seed in recordings:
        begins.append(len(network.runs))
        record = synthesise(rhythm, seed, max(seconds, LEAST_SECONDS) if model.task.reading else seconds, leads=leads)
        assert record.signal is not None
        model.predict(record.signal, record.fs, model.leads, name=rhythm, localise=False, force=True)
    return begins
