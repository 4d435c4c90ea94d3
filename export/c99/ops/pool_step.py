"""A pool as a step: shared by MAX_POOL_2D and AVERAGE_POOL_2D."""

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.loops import activation_limits
from export.c99.ops.plane import Plane, plane_of
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError

MOST_POINTS = 2**16 - 1  # of which 32 bits hold the sum of 16-bit values


def pool_step(function: str, context: LoweringContext, operator: GraphOperator) -> Step:
    """The step of a pool over one or two axes.

    Args:
        function: ecg_max_pool2d or ecg_average_pool2d.
        context: The state of lowering.
        operator: The operator.

    Returns:
        The step.

    Raises:
        InputError: The input and the output differ in scale, or a point is made of too many.
    """
    name, (view,), output = context.operands(operator)
    x, y, plane = view.tensor, output.tensor, pool_plane(operator)
    if (x.scale, x.zero_point) != (y.scale, y.zero_point) or plane.kernel[0] * plane.kernel[1] > MOST_POINTS:
        raise InputError(f"{operator.name} of shape {x.shape} rescales, or is too large: export the model again")
    fields = {**plane.fields(), "channels": x.width, **activation_limits(operator.options, y)}
    return Step(
        name,
        "ecg_pool2d_sN",
        [view],
        output,
        declare=lambda by_rows: [structure("ecg_pool2d_params_sN", name, **fields)],
        emit_row=lambda places, t, out: [
            f"{function}_sN(&${name}, {places[0].base}, {places[0].capacity}, {t}, {out.row(t)});"
        ],
        input_rows=plane.input_rows,
        ready_condition=plane.ready_condition,
        rows=y.rows,
    )


def pool_plane(operator: GraphOperator) -> Plane:
    """The points that each one of the output is made from."""
    options = operator.options
    return plane_of(operator, operator.operand(0), (options.filterHeight, options.filterWidth), (1, 1))
