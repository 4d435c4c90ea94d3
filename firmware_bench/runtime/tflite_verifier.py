"""Checks a TensorFlow Lite file before any runtime sees it: the runtimes believe what they read, and crash.

Checked are all tables, vectors and strings that a runtime reads (inside the file), tensors (types, shapes, sizes,
constants as long as their shape says, quantisation), and operators (known ones, inputs that exist when they are needed,
options that a kernel divides by or counts with). Files of several graphs, and operators that call graphs, keep
resources or are somebody's own, are refused: ecg-edge writes none, and some of them loop or read files.
"""

from __future__ import annotations

import math
import struct

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.tflite_reader import BUFFERS, SUBGRAPHS, FlatBufferTable
from firmware_bench.runtime.tflite_schema import (
    CORE,
    INPUTS,
    INT4,
    MANY_OUTPUTS,
    OPTION_LIMITS,
    OPTION_VECTORS,
    OPTIONAL_INPUTS,
    STATEFUL,
    TYPE_BYTES,
)

MAX_TENSOR_BYTES = 1 << 28  # 268 MB; the largest of the architectures have 20
MAX_ACTIVATION_BYTES = 1 << 30  # all tensors that are no constants, together
MAX_ENTRIES = 100_000  # tensors, operators or buffers
MAX_RANK = 8


def read_model_table(data: bytes) -> FlatBufferTable:
    """Check a TensorFlow Lite file and return its root table.

    Args:
        data: The bytes of the file.

    Raises:
        ModelError: It is damaged, or asks for more than ecg-edge runs; the message says what.
    """
    if data[4:8] != b"TFL3" or len(data) < 16:
        raise ModelError("this is not a TensorFlow Lite file")
    model = FlatBufferTable.root(data)
    _Structure(data).verify(model, "Model")
    graphs = model.tables(SUBGRAPHS)
    if not graphs:
        raise ModelError("the file is damaged: it holds no graph")
    if len(graphs) > 1:
        raise ModelError(f"it holds {len(graphs)} graphs, ecg-edge runs files of one")
    _verify_graph(model, graphs[0])
    return model


class _Structure:
    """Checks that tables, vectors and strings lie inside the file, each once."""

    def __init__(self, data: bytes):
        self.data, self.seen = data, set()

    def verify(self, table: FlatBufferTable, kind: str, options: int = 0) -> None:
        if (table.position, kind, options) in self.seen:
            return
        self.seen.add((table.position, kind, options))
        if len(self.seen) > 10 * MAX_ENTRIES:
            _refuse("it has too many tables")
        fields = OPTION_VECTORS.get(options, {}) if kind == "Options" else CORE[kind]
        for number, start, room in self._present(table):
            if number not in fields:
                if kind != "Options":
                    _refuse(f"a table {kind} has the field {number}, which ecg-edge does not read")
                continue
            self._verify_field(table, number, start, room, fields[number])

    def _present(self, table):
        """(number, position, bytes up to the table's end) of every field that the table has."""
        length, size = table.unpack("<H", table.vtable), table.unpack("<H", table.vtable + 2)
        if length < 4 or length % 2 or size < 4 or max(table.vtable + length, table.position + size) > len(self.data):
            _refuse("a table points beyond its end")
        offsets = struct.unpack_from(f"<{length // 2 - 2}H", self.data, table.vtable + 4)
        for number, offset in enumerate(offsets):
            if offset:
                if not 4 <= offset < size:
                    _refuse("a field lies outside its table")
                yield number, table.position + offset, size - offset

    def _verify_field(self, table, number, start, room, kind):
        if isinstance(kind, str) and kind.startswith("<"):
            if struct.calcsize(kind) > room:
                _refuse("a field lies outside its table")
            return
        if room < 4:
            _refuse("a field lies outside its table")
        if kind == "string":
            stop = table.span(number).stop
            if stop >= len(self.data) or self.data[stop]:
                _refuse("a text has no end")
        elif isinstance(kind, str):
            options = table.number(3, "<B") if kind == "Options" else 0
            child = table.table(number)
            assert child is not None, "the field is present"
            self.verify(child, kind, options)
        elif kind[0].startswith("<"):
            table.span(number, struct.calcsize(kind[0]))
        else:
            entries = table.tables(number, MAX_ENTRIES)
            for entry in entries:
                self.verify(entry, kind[0])


def _verify_graph(model, graph):
    sizes = [len(buffer.span(0)) for buffer in model.tables(BUFFERS)]
    tensors = graph.tables(0)
    constant, activations = [], 0
    for number, tensor in enumerate(tensors):
        size = _verify_tensor(tensor, number)
        buffer = tensor.integer(2)
        if buffer >= len(sizes):
            _refuse(f"tensor {number} has a buffer that is not there")
        constant.append(sizes[buffer] > 0)
        packed = (size + 1) // 2 if tensor.number(1, "<b") == INT4 else size
        if sizes[buffer] and sizes[buffer] < packed:
            _refuse(f"tensor {number} takes {size} bytes, its buffer has {sizes[buffer]}")
        activations += 0 if sizes[buffer] else size
    if activations > MAX_ACTIVATION_BYTES:
        raise ModelError(
            f"it takes {activations / 1e9:.1f} GB of memory, at most {MAX_ACTIVATION_BYTES / 1e9:.1f} are read"
        )
    codes = [max(code.number(0, "<b"), code.number(3, "<i")) for code in model.tables(1)]
    inputs = _indices(graph, 1, len(tensors), "the graph")
    if len(set(inputs)) < len(inputs) or any(constant[index] for index in inputs):
        _refuse("an input is a constant, or is there twice")
    known = {index for index in range(len(tensors)) if constant[index]} | set(inputs)
    operators = graph.tables(3)
    if not operators or not inputs:
        _refuse("its graph computes nothing")
    for number, operator in enumerate(operators):
        place = f"operator {number}"
        if operator.integer(0) >= len(codes):
            _refuse(f"{place} is of a kind that is not there")
        _verify_operator(operator, codes[operator.integer(0)], tensors, known, constant, place)
    outputs = _indices(graph, 2, len(tensors), "the graph")
    if not outputs or not set(outputs) <= known:
        _refuse("an output is not computed")
    for signature in model.tables(7):
        for entry in (*signature.tables(0), *signature.tables(1)):
            if entry.integer(1) >= len(tensors):
                _refuse("its signature names a tensor that is not there")
        if signature.integer(4):
            _refuse("its signature names a graph that is not there")
    for entry in model.tables(6):
        if entry.integer(1) >= len(sizes):
            _refuse("its metadata have a buffer that is not there")


def _verify_tensor(tensor, number):
    """Returns the bytes of its elements."""
    kind = tensor.number(1, "<b")
    if kind not in TYPE_BYTES:
        raise ModelError(f"tensor {number} is of a type that ecg-edge does not run ({kind})")
    shape = tensor.numbers(0, "i", MAX_RANK)
    if any(length < 0 for length in shape) or any(n < -1 for n in tensor.numbers(7, "i", MAX_RANK)):
        _refuse(f"tensor {number} has the shape {list(shape)}")
    size = math.prod(shape) * TYPE_BYTES[kind]
    if size > MAX_TENSOR_BYTES or max(shape, default=0) >= 1 << 28:
        raise ModelError(f"tensor {number} has the shape {list(shape)}: at most {MAX_TENSOR_BYTES:,} bytes are read")
    quantisation = tensor.table(4)
    if quantisation is None:
        return size
    scales, zero_points = quantisation.numbers(2, "f", 1 << 20), quantisation.numbers(3, "q", 1 << 20)
    axis = quantisation.number(6, "<i")
    if not all(1e-30 < scale < 1e30 for scale in scales) or not all(-(2**31) <= point < 2**31 for point in zero_points):
        _refuse(f"tensor {number} has a scale or zero point that is none")
    if len(zero_points) not in (0, len(scales)):
        _refuse(f"tensor {number} has {len(scales)} scales and {len(zero_points)} zero points")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        _refuse(f"tensor {number} of the shape {list(shape)} has {len(scales)} scales along axis {axis}")
    return size


def _verify_operator(operator, code, tensors, known, constant, place):
    """Adds its outputs to `known`, the tensors that have values by now."""
    if code not in INPUTS:
        raise ModelError(f"{place} is of kind {code}, which ecg-edge does not run")
    inputs = operator.numbers(1, "i", MAX_ENTRIES)
    least, most = INPUTS[code]
    if not least <= len(inputs) <= most:
        _refuse(f"{place} of kind {code} has {len(inputs)} inputs")
    for position, index in enumerate(inputs):
        if index == -1 and position in OPTIONAL_INPUTS.get(code, ()):
            continue
        if not 0 <= index < len(tensors):
            _refuse(f"{place} has an input that is not there")
        if index not in known and not (code in STATEFUL and tensors[index].number(5, "<B")):
            _refuse(f"{place} has an input that is not computed before it")
    outputs = _indices(operator, 2, len(tensors), place)
    if not outputs or (len(outputs) > 1 and code not in MANY_OUTPUTS):
        _refuse(f"{place} of kind {code} has {len(outputs)} outputs")
    if known & set(outputs) or len(set(outputs)) < len(outputs):
        _refuse(f"{place} writes to a tensor that has a value already")
    _indices(operator, 8, len(tensors), place)
    known.update(outputs)
    kind, options = operator.number(3, "<B"), operator.table(4)
    for field, (form, default, least, most) in OPTION_LIMITS.get(kind, {}).items():
        value = default if options is None else options.number(field, form, default)
        if not least <= value <= most:
            _refuse(f"{place} has the option {field} = {value}")


def _indices(table, field, count, place):
    """A vector of numbers of tensors."""
    indices = table.numbers(field, "i", MAX_ENTRIES)
    if not all(0 <= index < count for index in indices):
        _refuse(f"{place} names a tensor that is not there")
    return indices


def _refuse(what):
    raise ModelError(f"the file is damaged: {what}")
