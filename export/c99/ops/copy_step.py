"""A copy as a step: shared by TRANSPOSE, REVERSE_V2, STRIDED_SLICE, PAD and CONCATENATION."""

from collections.abc import Sequence

from export.c99.c_text import structure
from export.c99.ir import GraphOperator
from export.c99.ops.loops import merge_loops
from export.c99.steps import Step, View

Loops = Sequence[tuple[int, ...]]


def copy_step(
    name: str,
    operator: GraphOperator,
    inputs: Sequence[View],
    output: View,
    loops: Sequence[Loops],
    starts: Sequence[tuple[int, int]] | None = None,
) -> Step:
    """One copy for each input.

    Args:
        name: The step's name.
        operator: For error messages.
        inputs: What is copied.
        output: Where to.
        loops: For each input, (size, step in the input, step in the output) of every axis.
        starts: For each input, the first value that is read and the first that is written; (0, 0) if left out.

    Returns:
        The step.
    """
    starts = starts or [(0, 0)] * len(loops)

    def declare(by_rows: bool) -> list[str]:
        found = []
        for n, (nest, (start_in, start_out)) in enumerate(zip(loops, starts, strict=True)):
            merged = merge_loops(nest, 5, operator)
            sizes, steps_in, steps_out = ([loop[field] for loop in merged] for field in range(3))
            fields = {"sizes": sizes, "steps_in": steps_in, "steps_out": steps_out}
            fields |= {"start_in": start_in, "start_out": start_out}
            found.append(structure("ecg_copy_params_sN", f"{name}_{n}", **fields))
        return [] if by_rows else found

    return Step(
        name,
        "ecg_copy_sN",
        inputs,
        output,
        declare=declare,
        emit_all=lambda places, out: [
            f"ecg_copy_sN(&${name}_{n}, {place.base}, {out.base});" for n, place in enumerate(places)
        ],
    )
