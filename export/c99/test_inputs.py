"""The inputs of a program's test: the reference inputs that the file's metadata name.

test_signal.h draws the same in C. firmware_bench.runtime.reference_vector describes them: ECG-like pulses and noise.
"""

import dataclasses
import math

import numpy as np

from export.c99.ir import GraphTensor
from export.c99.lower import StepProgram
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, Tensor
from firmware_bench.runtime.reference_vector import find_signal_rate, make_reference_inputs

STREAM_VECTORS = 2
STREAM_SECONDS = 1.25  # of a stream after its delay: longer than the longest time between two beats
LEAST_ANSWERS = 4  # steps of a stream whose outputs are compared
HOPS = 5  # after the first window of a program that answers every hop


@dataclasses.dataclass(frozen=True)
class TestInputs:
    """What test_signal.h and Python have to know to draw the same inputs.

    Attributes:
        seed: Seed of the generator.
        vectors: How many inputs there are.
        rate: Sampling rate, Hz.
        signals: Of every input its number of samples, its number of leads and its zero point.
        dtype: int8 or int16.
        form: As of ReferenceMetadata.
    """

    __test__ = False  # for pytest

    seed: int
    vectors: int
    rate: int
    signals: tuple[tuple[int, int, int], ...]
    dtype: type
    form: str = "signal"

    @property
    def most_beats(self) -> int:
        """The most beats that a signal can have: their period is at least 0.4 s."""
        return max(samples for samples, _, _ in self.signals) // (self.rate * 40 // 100) + 2

    def make(self) -> list[list[np.ndarray]]:
        """Make the inputs: per vector and per input integers (samples, leads)."""
        name = np.dtype(self.dtype).name
        tensors = tuple(
            Tensor(str(number), (1, samples, leads), name, 0.0, zero)
            for number, (samples, leads, zero) in enumerate(self.signals)
        )
        reference = ReferenceMetadata(self.seed, self.vectors, form=self.form)
        metadata = ModelMetadata(fs=float(self.rate), inputs=tensors, reference=reference)
        return [[array[0] for array in arrays] for arrays in make_reference_inputs(metadata)]


def choose_test_inputs(program: StepProgram) -> TestInputs:
    """Choose the test inputs of a program: windows, or for a stream recordings."""
    about = program.description
    rate = find_signal_rate(about.sampling_rate)
    if streaming := program.streaming:
        answers = max(LEAST_ANSWERS, math.ceil(STREAM_SECONDS * rate / streaming.step))
        tensor = program.inputs[0].tensor
        signals = (((streaming.delay + answers) * streaming.step, tensor.width, tensor.zero_point),)
        return TestInputs(about.reference.seed, STREAM_VECTORS, rate, signals, program.dtype)
    if loop := program.continuous:
        storage, zero = program.inputs[0].storage, program.inputs[0].tensor.zero_point
        samples = loop.span + HOPS * loop.hop_samples
        return TestInputs(about.reference.seed, STREAM_VECTORS, rate, ((samples, storage.width, zero),), program.dtype)
    if program.has_push:  # row by row, as samples are pushed
        storage, zero = program.inputs[0].storage, program.inputs[0].tensor.zero_point
        signals = ((storage.rows, storage.width, zero),)
    else:
        signals = tuple(_signal(view.tensor) for view in program.inputs)
    return TestInputs(about.reference.seed, about.reference.vectors, rate, signals, program.dtype, about.reference.form)


def _signal(tensor: GraphTensor) -> tuple[int, int, int]:
    samples = tensor.shape[1] if len(tensor.shape) > 1 else 1
    return samples, tensor.size // samples, tensor.zero_point
