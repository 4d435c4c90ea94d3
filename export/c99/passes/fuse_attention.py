"""Fuse an attention whose softmax has 16 bits (export.quantise.long_softmax) into one operator, 8 bits in and out."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from export.c99.ir import GraphOperator, GraphTensor

ATTENTION = "ATTENTION"


@dataclasses.dataclass(frozen=True)
class AttentionParts:
    """The operators that one ATTENTION replaces; they are its options.

    Its inputs are the queries and the keys, or the scores where `scores` is None, and then the values. Its outputs are
    the product and, where there is a mean, the mean, both after their QUANTIZE to 8 bits.

    Attributes:
        scores: The product of queries and keys, or None.
        widen: The QUANTIZE of the scores to 16 bits.
        softmax: The SOFTMAX of 16 bits.
        widen_values: The QUANTIZE of the values to 16 bits.
        product: The product of the softmax and the values.
        mean: The MEAN of the softmax over the queries, or None.
        narrow: The QUANTIZE of the product to 8 bits and, where there is a mean, that of the mean.
    """

    scores: GraphOperator | None
    widen: GraphOperator
    softmax: GraphOperator
    widen_values: GraphOperator
    product: GraphOperator
    mean: GraphOperator | None
    narrow: tuple[GraphOperator, ...]

    @property
    def operators(self) -> list[GraphOperator]:
        """All of them."""
        parts = [self.scores, self.widen, self.softmax, self.widen_values, self.product, self.mean, *self.narrow]
        return [part for part in parts if part is not None]


def fuse_attention(operators: Sequence[GraphOperator], outputs: set[int]) -> tuple[GraphOperator, ...]:
    """Fuse every attention of which no other operator reads a 16-bit value.

    Args:
        operators: The operators of the file in order of execution.
        outputs: The numbers of the file's outputs.

    Returns:
        The operators, each such attention as one.
    """
    operators = tuple(operators)
    for softmax in [o for o in operators if o.name == "SOFTMAX" and o.output.dtype is np.int16]:
        found = _match(softmax, operators, outputs)
        if found is not None:
            operators = _fuse(found, operators)
    return operators


class _Neighbours:
    """Which operators write and read each tensor."""

    def __init__(self, operators, outputs):
        self.outputs = outputs
        self.writers = {tensor.index: operator for operator in operators for tensor in operator.outputs}
        self.readers: dict[int, list[GraphOperator]] = {}
        for operator in operators:
            for tensor in operator.operands:
                self.readers.setdefault(tensor.index, []).append(operator)

    def writer_for(self, tensor: GraphTensor, reader: GraphOperator, name: str) -> GraphOperator | None:
        """The operator of that name that writes `tensor` for `reader` alone."""
        found = self.writers.get(tensor.index)
        alone = tensor.index not in self.outputs and self.readers[tensor.index] == [reader]
        return found if found and alone and found.name == name else None

    def narrowing(self, operator: GraphOperator) -> GraphOperator | None:
        """The QUANTIZE to 8 bits that alone reads the operator's output."""
        for last in self.readers.get(operator.output.index, [])[:1]:
            if last.name == "QUANTIZE" and last.output.dtype is np.int8:
                return last if self.writer_for(operator.output, last, operator.name) else None
        return None


def _match(softmax, operators, outputs) -> AttentionParts | None:
    near = _Neighbours(operators, outputs)
    behind = near.readers.get(softmax.output.index, [])
    named = {operator.name: operator for operator in behind}
    product, mean = named.get("BATCH_MATMUL"), named.get("MEAN")
    if softmax.output.index in outputs or not product or len(behind) != 1 + bool(mean):
        return None
    widen = near.writer_for(softmax.operand(0), softmax, "QUANTIZE")
    widen_values = near.writer_for(product.operand(1), product, "QUANTIZE")
    narrow = [near.narrowing(operator) for operator in (product, mean) if operator]
    if widen is None or widen_values is None or not (_is_shift(widen) and _is_shift(widen_values)):
        return None
    complete = tuple(operator for operator in narrow if operator is not None)
    if len(complete) < len(narrow):
        return None
    scores = near.writer_for(widen.operand(0), widen, "BATCH_MATMUL")
    return AttentionParts(scores, widen, softmax, widen_values, product, mean, complete)


def _fuse(parts: AttentionParts, operators):
    """The operators with one ATTENTION in the place of its parts, as early as all its inputs are there."""
    near = _Neighbours(operators, set())
    inputs = (*(parts.scores or parts.widen).operands, *parts.widen_values.operands)
    outputs = tuple(operator.output for operator in parts.narrow)
    fused = dataclasses.replace(parts.softmax, name=ATTENTION, inputs=inputs, outputs=outputs, options=parts)
    order = {operator: n for n, operator in enumerate(operators)}
    at = 1 + max(order[near.writers.get(tensor.index, parts.softmax)] for tensor in (parts.softmax.output, *inputs))
    late = any(order[reader] < at for tensor in outputs for reader in near.readers.get(tensor.index, []))
    if late or any(tensor.data is not None for tensor in inputs):
        return operators
    before, after = ([o for o in part if o not in parts.operators] for part in (operators[:at], operators[at:]))
    return (*before, fused, *after)


def _is_shift(quantize: GraphOperator) -> bool:
    """Whether a QUANTIZE shifts 8 bits into 16."""
    x, y = quantize.operand(0), quantize.output
    if (x.dtype, y.dtype) != (np.int8, np.int16):
        return False
    return x.scale / y.scale in [2.0**n for n in range(8)] and y.zero_point == 0
