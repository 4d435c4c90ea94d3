"""Sequences that are only reversed or concatenated for LSTMs and means: these read the parts where they are."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.mean import is_time_mean
from export.c99.passes.time_reversal import is_time_reversal

RECURRENT = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def defer_reverse_concat(context: LoweringContext, operator: GraphOperator) -> bool:
    """Lower a REVERSE_V2 or CONCATENATION that only LSTMs (and means) read to nothing.

    Args:
        context: The state of lowering.
        operator: Any operator.

    Returns:
        Whether the operator was one, and is left to its readers.
    """
    output, readers = operator.output, context.readers(operator.output)
    if output.index in context.outputs:
        return False
    if operator.name == "REVERSE_V2" and is_time_reversal(operator):
        source = operator.operand(0)
        if source.index in context.forward_order_outputs:
            context.storages[output.index] = context.storages[source.index]
            return True
        if readers and all(reader.name == RECURRENT for reader in readers):
            context.reversed_inputs[output.index] = source
            return True
    if operator.name == "CONCATENATION" and output.rows > 1:
        is_last_axis = operator.options.axis % len(output.shape) == len(output.shape) - 1
        if is_last_axis and has_one_scale(operator) and all(_reads_parts(context, reader) for reader in readers):
            context.joined[output.index] = operator.operands
            return True
    return False


def has_one_scale(operator: GraphOperator) -> bool:
    """Whether all inputs have the scale and zero point of the output."""
    output = operator.output
    return all((t.scale, t.zero_point) == (output.scale, output.zero_point) for t in operator.operands)


def _reads_parts(context, reader) -> bool:
    """Whether an operator can read a sequence in parts side by side."""
    if reader.name == "REVERSE_V2":
        return is_time_reversal(reader) and all(r.name == RECURRENT for r in context.readers(reader.output))
    return reader.name == RECURRENT or (reader.name == "MEAN" and is_time_mean(reader))
