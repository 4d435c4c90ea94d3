"""Time shifts, as a Hillis-Steele parallel prefix scan has them: a product reads the shifted tensor at an offset, and a
sum of such a product is computed with it, block by block."""

import dataclasses
import math

from export.c99 import ops
from export.c99.context import DelayedTensor, LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.binary_step import binary_arithmetic, binary_structure
from export.c99.ops.depthwise_conv_2d import time_shift
from export.c99.steps import Step, View

BLOCK = 1024  # values, at most, of a product that is added up at once


def defer_time_shift(context: LoweringContext, operator: GraphOperator) -> bool:
    """Lower a convolution that only shifts its input in time, and the products and sums that read it.

    The shift itself is left to its readers. A product with a shifted tensor reads the unshifted one at an offset. Such
    a product that only one sum reads is computed within the sum.

    Args:
        context: The state of lowering.
        operator: Any operator.

    Returns:
        Whether the operator was one of these, and is lowered.
    """
    output = operator.output
    if (delay := time_shift(operator)) is not None:
        context.delayed[output.index] = DelayedTensor(operator, delay)
        context.deferred[output.index] = lambda: ops.lower(context, operator)
        return True
    if _has_delayed_factor(context, operator):
        readers = [reader.name for reader in context.readers(output)]
        if output.index not in context.outputs and readers == ["ADD"]:
            context.products[output.index] = operator
            context.deferred[output.index] = lambda: _lower_product(context, operator)
        else:
            _lower_product(context, operator)
        return True
    terms = [tensor for tensor in operator.operands if tensor.index in context.products]
    if operator.name == "ADD" and terms and _has_one_shape(operator):
        _lower_sum(context, operator, terms[0])
        return True
    return False


def _has_delayed_factor(context, operator) -> bool:
    moved = [tensor for tensor in operator.operands if tensor.index in context.delayed]
    return operator.name == "MUL" and len(moved) == 1 and _has_one_shape(operator)


def _has_one_shape(operator) -> bool:
    """Whether all inputs are computed and have the output's shape."""
    return all(
        tensor is not None and tensor.data is None and tensor.shape == operator.output.shape
        for tensor in operator.inputs
    )


def _factors(context, operator) -> list[View]:
    """Views of the factors, a moved one as the tensor that it is moved from."""
    found = []
    for tensor in operator.operands:
        moved = context.delayed.get(tensor.index)
        if moved is None:
            found.append(context.view(tensor))
        else:
            view = context.view(moved.operator.operand(0))
            found.append(dataclasses.replace(view, delay=moved.delay))
    return found


def _lower_product(context, operator) -> None:
    inputs, name = _factors(context, operator), context.new_name(operator.name)
    output = context.new_view(operator.output, name)
    size, delay = output.tensor.size, sum(view.delay for view in inputs)
    block = math.gcd(size, delay)
    function, arithmetic = binary_arithmetic("ecg_multiply", operator)

    def emit_all(places, out):
        zeros = f"(void)memset({out.base} + i, 0, {block} * sizeof(ecg_value));"
        product = f"{function}(&${name}, {_arguments(places, inputs)}, {out.base} + i);"
        return _loop_over_blocks(size, delay, block, zeros, product)

    context.steps.append(
        Step(
            name,
            "ecg_binary_sN",
            inputs,
            output,
            declare=lambda by_rows: [_block_structure(name, block, arithmetic)],
            emit_all=emit_all,
            in_place=(0, 1),
        )
    )


def _lower_sum(context, operator, term) -> None:
    """The ADD of a tensor and a product that is never stored as a whole."""
    product = context.products[term.index]
    (other,) = (tensor for tensor in operator.operands if tensor is not term)
    inputs = [context.view(other), *_factors(context, product)]
    name = context.new_name(operator.name)
    output = context.new_view(operator.output, name)
    size, delay = output.tensor.size, sum(view.delay for view in inputs)
    block = math.gcd(size, delay, BLOCK)
    multiply, of_product = binary_arithmetic("ecg_multiply", product)
    add, of_sum = binary_arithmetic("ecg_add", operator)
    is_first = operator.operand(0).index == product.output.index

    def emit_all(places, out):
        summand = f"{places[0].base} + i"
        terms = f"$window, {summand}" if is_first else f"{summand}, $window"
        multiplied = f"{multiply}(&${name}_product, {_arguments(places[1:], inputs[1:])}, $window);"
        total = f"{add}(&${name}, {terms}, {out.base} + i);"
        return _loop_over_blocks(size, delay, block, "(void)memset($window, 0, sizeof $window);", multiplied, total)

    context.steps.append(
        Step(
            name,
            "ecg_binary_sN",
            inputs,
            output,
            declare=lambda by_rows: [
                _block_structure(f"{name}_product", block, of_product),
                _block_structure(name, block, of_sum),
            ],
            emit_all=emit_all,
            scratch=block,
            in_place=(0, 1, 2),
        )
    )


def _loop_over_blocks(size, delay, block, zeros, product, *then):
    """A loop over blocks of values: `zeros` where the moved tensor has nothing for block i, else `product`; and `then`.
    It ends where values move from, so that the output may take the memory of an input."""
    if delay > 0:
        blocks, beyond = f"int32_t i = {size - block}; i >= 0; i -= {block}", f"i < {delay}"
    else:
        blocks, beyond = f"int32_t i = 0; i < {size}; i += {block}", f"i >= {size + delay}"
    lines = [f"if ({beyond}) {{", f"    {zeros}", "} else {", f"    {product}", "}", *then]
    return [f"for ({blocks}) {{", *(f"    {line}" for line in lines), "}"]


def _arguments(places, views):
    return ", ".join(
        f"{place.base} + i" + (f" {'-' if view.delay > 0 else '+'} {abs(view.delay)}" if view.delay else "")
        for place, view in zip(places, views, strict=True)
    )


def _block_structure(name, block, arithmetic):
    return binary_structure(name, (1, 1, 1, block), (0, 0, 0, 1), (0, 0, 0, 1), arithmetic)
