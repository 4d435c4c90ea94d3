"""The intermediate representation of the generator: a fully integer .tflite file as operators and tensors."""

import dataclasses
import math
from typing import Any

import numpy as np

from firmware_bench.runtime.metadata import ReferenceMetadata


@dataclasses.dataclass(frozen=True, eq=False)
class GraphTensor:
    """A tensor of the file.

    Attributes:
        index: Its number in the file.
        shape: Its dimensions, the batch of one first.
        dtype: int8, int16, int32 or int64; None for any other type.
        scales: One scale, one per channel, or none.
        zero_point: The integer that stands for the real value 0.
        data: The values of a constant, else None.
    """

    index: int
    shape: tuple[int, ...]
    dtype: type | None
    scales: np.ndarray
    zero_point: int
    data: np.ndarray | None

    @property
    def scale(self) -> float:
        """The real value of one integer step."""
        return float(self.scales[0])

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        """The values of one row: the last axis."""
        return self.shape[-1] if self.shape else 1

    @property
    def rows(self) -> int:
        """The number of rows: all axes but the last."""
        return self.size // self.width

    @property
    def values(self) -> np.ndarray:
        """The values of a constant; an operand that has to be constant is read by this."""
        if self.data is None:
            raise ValueError(f"tensor {self.index} is no constant")
        return self.data


@dataclasses.dataclass(frozen=True, eq=False)
class GraphOperator:
    """An operator of the file.

    Attributes:
        name: Its name in the TensorFlow Lite schema, for example "CONV_2D".
        version: Its version in the file.
        inputs: Its inputs in the schema's order, None for an input that is left out.
        outputs: Its outputs.
        options: The schema's options object, or that of a pass.
        options_type: The number of the options' type in the schema.
        intermediates: Tensors that carry ranges only (of an LSTM).
    """

    name: str
    version: int
    inputs: tuple[GraphTensor | None, ...]
    outputs: tuple[GraphTensor, ...]
    options: Any
    options_type: int
    intermediates: tuple[GraphTensor, ...] = ()

    @property
    def output(self) -> GraphTensor:
        """The first output."""
        return self.outputs[0]

    def operand(self, number: int) -> GraphTensor:
        """Input `number`, which the schema requires to be there."""
        tensor = self.inputs[number]
        if tensor is None:
            raise ValueError(f"{self.name} has no input {number}")
        return tensor

    @property
    def operands(self) -> tuple[GraphTensor, ...]:
        """The inputs that are there."""
        return tuple(tensor for tensor in self.inputs if tensor is not None)


@dataclasses.dataclass(frozen=True)
class StreamingSpec:
    """How the file of one streaming step takes a recording.

    Attributes:
        step: Samples of a block.
        delay: Steps by which the outputs are late.
        window: Samples over which the running mean is formed.
        states: Every state as (input, the output that is its next value).
        valid: The input that marks samples inside of the recording, or None.
        share: The input that is the weight of the newest step in the running mean, or None.
    """

    step: int
    delay: int
    window: int
    states: tuple[tuple[GraphTensor, GraphTensor], ...]
    valid: GraphTensor | None
    share: GraphTensor | None


@dataclasses.dataclass(frozen=True)
class ModelDescription:
    """The model according to the file's metadata; empty for a file without metadata.

    Attributes:
        architecture: The name of the architecture.
        labels: The class names in the order of the output.
        sampling_rate: Sampling rate of the input in Hz, 0 where it is not known.
        leads: The lead names in the order in which a sample holds them.
        reference: The reference inputs.
    """

    architecture: str = ""
    labels: tuple[str, ...] = ()
    sampling_rate: float = 0.0
    leads: tuple[str, ...] = ()
    reference: ReferenceMetadata = dataclasses.field(default_factory=lambda: ReferenceMetadata(seed=1, vectors=2))


@dataclasses.dataclass(frozen=True)
class IntegerGraph:
    """A fully integer file.

    Attributes:
        inputs: The inputs of the model.
        outputs: The outputs of the model.
        names: The names of the inputs and then of the outputs, as C identifiers.
        operators: The operators in order of execution.
        dtype: The type of all activations, int8 or int16.
        streaming: Of the file of one streaming step, else None.
        description: The model according to the metadata.
    """

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    names: tuple[str, ...]
    operators: tuple[GraphOperator, ...]
    dtype: type
    streaming: StreamingSpec | None
    description: ModelDescription
