"""Mutation analysis of reference vectors: is every table of constants of a file noticed when it is damaged?

A table is the values of a constant (weights, biases, other operands) or its scales, which become multipliers and
shifts; those of a bias do not, it has the scale of its sum. One table after the other is damaged: its values move on by
one place, or where that changes nothing, the first one is doubled. A table that changes no output on any of the inputs
at hand cannot change an answer on ECG and does not count. Terms: DeMillo, Lipton, Sayward, "Hints on Test Data
Selection", IEEE Computer 11(4), 1978.
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite.flatbuffer import operator_name, read
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.sampling import evenly_spaced
from firmware_bench.runtime.tflite_model import TFLiteModel

Inputs = Sequence[Sequence[np.ndarray]]  # per vector and input an array of the input's shape and type
_TYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}


@dataclasses.dataclass(frozen=True, eq=False)
class ConstantTable:
    """A table of constants in the bytes of a file.

    Attributes:
        name: Operator, its number, the position among its inputs, and "values" or "scales".
        values: A view of the file's bytes, which can be written.
    """

    name: str
    values: np.ndarray

    @contextlib.contextmanager
    def damage(self) -> Iterator[None]:
        """Damage the table within the block."""
        original = self.values.copy()
        self.values[:] = np.roll(original, 1)
        if np.array_equal(self.values, original):
            with np.errstate(over="ignore"):  # whatever it becomes, it is another number
                self.values[0] = original[0] * 2 if original[0] else 1
        try:
            yield
        finally:
            self.values[:] = original


class MutationAnalysis:
    """The damaged forms of a file, and which inputs notice them.

    Args:
        data: An integer TFLite file without a digest, which would refuse every damage.
        seconds: About how long an analysis may take; where that is too short for all tables, evenly spaced ones are
            damaged.
        vectors: How many inputs a table is tried on, for that estimate.

    Attributes:
        tables: The tables that are damaged.
        total: How many tables the file has.
    """

    def __init__(self, data: bytes, seconds: float, vectors: int):
        self._data = bytearray(data)
        tables = list_tables(self._data)
        self.total = len(tables)
        model = TFLiteModel(data)
        arrays = [np.zeros(tensor.shape, tensor.dtype) for tensor in model.inputs]
        start = time.perf_counter()
        model.run_raw(arrays)
        affordable = int(seconds / (time.perf_counter() - start) / (vectors + 1))
        self.tables = [tables[n] for n in evenly_spaced(len(tables), max(1, affordable))]

    def run(self, inputs: Inputs) -> list[bytes]:
        """Run the file as it is, or as it is damaged now: per vector the bytes of the outputs."""
        return list(self._run(inputs))

    def _run(self, inputs: Inputs) -> Iterator[bytes]:
        model = TFLiteModel(bytes(self._data), verify=False)
        for arrays in inputs:
            yield b"".join(array.tobytes() for array in model.run_raw(arrays))

    def notices(self, table: ConstantTable, inputs: Inputs, expected: Sequence[bytes]) -> bool:
        """Whether an output changes where `table` is damaged; a file that the runtime refuses then is noticed."""
        with table.damage():
            try:
                return any(found != right for found, right in zip(self._run(inputs), expected, strict=True))
            except ModelError:
                return True


def list_tables(data: bytearray) -> list[ConstantTable]:
    """List the tables of constants that the operators of a file read, each once.

    Args:
        data: The file; the tables are views of it.
    """
    root, model = schema.Model.GetRootAs(data, 0), read(bytes(data))
    graph, tables, seen = root.Subgraphs(0), [], set()
    for number, operator in enumerate(model.subgraphs[0].operators):
        for position, index in enumerate(operator.inputs):
            if index < 0 or index in seen:
                continue
            seen.add(index)
            tensor = graph.Tensors(index)
            buffer, quantisation = root.Buffers(tensor.Buffer()), tensor.Quantization()
            if not buffer.DataLength() or quantisation is None or not quantisation.ScaleLength():
                continue  # not a constant, or one of shapes and axes
            name = f"{operator_name(model, operator)} {number}, input {position}"
            if tensor.Type() in _TYPES:
                tables.append(ConstantTable(f"{name}, values", buffer.DataAsNumpy().view(_TYPES[tensor.Type()])))
            if tensor.Type() not in (schema.TensorType.INT32, schema.TensorType.INT64):  # kernels read no bias's scale
                tables.append(ConstantTable(f"{name}, scales", quantisation.ScaleAsNumpy()))
    return tables
