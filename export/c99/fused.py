"""Attention in 16 bits (export.quantise.long_softmax) in a file of 8 bits: its operators as one, from 8 bits to 8
bits."""

import dataclasses

import numpy as np

ATTENTION = "ATTENTION"


@dataclasses.dataclass(frozen=True)
class Attention:
    """The operators that one ATTENTION stands for. Its inputs are those of `scores`, the product of queries and keys,
    or the scores themselves where that is None, and the values; its outputs that of `product`, and of `mean` if there
    is one, both as `narrow` leaves them."""

    scores: object | None
    widen: object
    softmax: object
    widen_values: object
    product: object
    mean: object | None
    narrow: tuple

    @property
    def operators(self) -> list:
        parts = [self.scores, self.widen, self.softmax, self.widen_values, self.product, self.mean, *self.narrow]
        return [part for part in parts if part is not None]


def fused(operators: tuple, ends: set[int]) -> tuple:
    """The operators (export.c99.graph) of a file with those joined whose 16 bits nothing else sees; `ends`: the
    file's outputs."""
    for softmax in [o for o in operators if o.name == "SOFTMAX" and o.output.dtype is np.int16]:
        operators = _fuse(softmax, operators, ends)
    return operators


def _fuse(softmax, operators, ends):
    makers = {tensor.index: operator for operator in operators for tensor in operator.outputs}
    readers = {}
    for operator in operators:
        for tensor in filter(None, operator.inputs):
            readers.setdefault(tensor.index, []).append(operator)

    def maker(tensor, reader, name):
        """What makes a tensor for one reader alone, if it is such an operator."""
        found = makers.get(tensor.index)
        alone = tensor.index not in ends and readers[tensor.index] == [reader]
        return found if found and alone and found.name == name else None

    def narrowed(operator):
        """The QUANTIZE to 8 bits that alone reads what an operator makes."""
        last = readers.get(operator.output.index, [softmax])[0]
        known = last.name == "QUANTIZE" and last.output.dtype is np.int8
        return last if known and maker(operator.output, last, operator.name) else None

    behind = readers.get(softmax.output.index, [])
    named = {operator.name: operator for operator in behind}
    product, mean = named.get("BATCH_MATMUL"), named.get("MEAN")
    if softmax.output.index in ends or not product or len(behind) != 1 + bool(mean):
        return operators
    widen, widen_values = maker(softmax.inputs[0], softmax, "QUANTIZE"), maker(product.inputs[1], product, "QUANTIZE")
    narrow = tuple(narrowed(operator) for operator in (product, mean) if operator)
    if not all((widen, widen_values, *narrow)) or not (_exact(widen) and _exact(widen_values)):
        return operators
    scores = maker(widen.inputs[0], widen, "BATCH_MATMUL")
    parts = Attention(scores, widen, softmax, widen_values, product, mean, narrow)
    inputs = (*(scores or widen).inputs, *widen_values.inputs)
    outputs = tuple(operator.output for operator in narrow)
    whole = dataclasses.replace(softmax, name=ATTENTION, inputs=inputs, outputs=outputs, options=parts)
    # It comes as soon as all that it takes is there.
    order = {operator: n for n, operator in enumerate(operators)}
    at = 1 + max(order[makers.get(tensor.index, softmax)] for tensor in (softmax.output, *inputs))
    late = any(order[reader] < at for tensor in outputs for reader in readers.get(tensor.index, []))
    if late or any(tensor.data is not None for tensor in inputs):
        return operators
    before, after = ([o for o in part if o not in parts.operators] for part in (operators[:at], operators[at:]))
    return (*before, whole, *after)


def _exact(quantize) -> bool:
    """Whether a QUANTIZE shifts 8 bits into 16."""
    x, y = quantize.inputs[0], quantize.output
    if (x.dtype, y.dtype) != (np.int8, np.int16):
        return False
    return x.scale / y.scale in [2.0**n for n in range(8)] and y.zero_point == 0
