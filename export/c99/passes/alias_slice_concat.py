"""Slices and concatenations of a streaming step that need no copy: the output shares memory with the inputs."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.strided_slice import contiguous_start
from export.c99.passes.defer_reverse_concat import has_one_scale
from export.c99.steps import Storage


def alias_slice_concat(context: LoweringContext, operator: GraphOperator) -> bool:
    """Lower, in a streaming step, a contiguous slice to a part of its input's memory, and a concatenation to memory of
    which the inputs are parts.

    Args:
        context: The state of lowering.
        operator: Any operator.

    Returns:
        Whether the operator was one, and is lowered.
    """
    if not context.is_streaming:
        return False
    if operator.name == "STRIDED_SLICE":
        return _alias_slice(context, operator)
    if operator.name == "CONCATENATION":
        return _alias_concatenation(context, operator)
    return False


def _alias_slice(context, operator) -> bool:
    start, output = contiguous_start(operator), operator.output
    if start is None:
        return False
    source = context.view(operator.operand(0)).storage
    name = context.new_name(operator.name)
    context.storages[output.index] = Storage(name, output.rows, output.width, source, start)
    source.has_parts = True
    return True


def _alias_concatenation(context, operator) -> bool:
    output = operator.output
    if any(tensor.data is not None for tensor in operator.operands):
        return False
    outer = output.shape[: operator.options.axis % len(output.shape)]
    parts = [context.view(tensor).storage for tensor in operator.operands]
    is_free = all(part.parent is None and not part.has_parts for part in parts)
    is_whole = [part.size for part in parts] == [tensor.size for tensor in operator.operands]
    is_contiguous = all(n == 1 for n in outer)
    if not (is_free and is_whole and is_contiguous and has_one_scale(operator) and len(set(parts)) == len(parts)):
        return False
    joined = context.new_view(output, context.new_name(operator.name)).storage
    joined.has_parts, offset = True, 0
    for part in parts:
        part.parent, part.offset = joined, offset
        offset += part.size
    return True
