"""ATTENTION: an attention whose softmax has 16 bits, in a file of 8 (export.c99.passes.fuse_attention).

It runs query by query, so that of the matrix of scores one row is in memory at a time."""

import dataclasses

import numpy as np

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import long_softmax_exponentials, quantize_multiplier, reciprocal_points
from export.c99.ir import GraphOperator
from export.c99.ops import batch_matmul
from export.c99.ops.mean import is_time_mean, mean_fields
from export.c99.passes.fuse_attention import ATTENTION, AttentionParts
from export.c99.steps import Step, View, for_loop
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops. The step of the product and, where there is one, that of the mean, for which the first adds
    up every softmax."""
    parts: AttentionParts = operator.options
    inputs = [context.view(tensor) for tensor in operator.operands]
    names = [context.new_name(kind) for kind, _ in zip((ATTENTION, "MEAN"), operator.outputs, strict=False)]
    outputs = [context.new_view(tensor, name) for tensor, name in zip(operator.outputs, names, strict=True)]
    sums = context.reserve_sums(sum(tensor.width for tensor in operator.outputs[1:]))
    steps = [_product_step(names[0], parts, inputs, outputs[0], sums)]
    if parts.mean is not None:
        steps.append(_mean_step(names[1], parts, parts.mean, outputs[1], sums))
    return steps


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    parts: AttentionParts = operator.options
    return sum(batch_matmul.multiplications(part) for part in (parts.scores, parts.product) if part is not None)


@dataclasses.dataclass(frozen=True)
class _Loop:
    """The loop over all queries of the generated program."""

    name: str
    fields: dict[str, int]  # of the product
    scores: dict[str, int] | None
    sums: int | None

    def emit(self, places, out) -> list[str]:
        *scored, values = (place.base for place in places)
        keys, queries, columns = (self.fields[field] for field in ("depth", "rows", "columns"))
        if self.scores is None:
            row, lines = f"{scored[0]} + (t * {keys})", []
        else:
            row, depth = f"(int8_t *)($window + {keys})", self.scores["depth"]
            matrix = f"{scored[1]} + ((t / {queries}) * {depth * keys})"
            query = f"{scored[0]} + (t * {depth})"
            lines = [f"ecg_attention_scores_s8(&${self.name}_scores, {query}, {matrix}, {row});"]
        lines.append(f"ecg_attention_weights_s8(&${self.name}, {row}, $window);")
        if self.sums is not None:
            lines.append(f"ecg_attention_add_s8($window, {keys}, $sums + {self.sums});")
        matrix = f"{values} + ((t / {queries}) * {keys * columns})"
        lines.append(f"ecg_attention_product_s8(&${self.name}, $window, {matrix}, {out.base} + (t * {columns}));")
        return for_loop("t", self.fields["count"] * queries, lines)


def _product_step(name, parts, inputs: list[View], output: View, sums: int) -> Step:
    product, values = batch_matmul.matmul_fields(parts.product), parts.widen_values
    scores = None if parts.scores is None else batch_matmul.matmul_fields(parts.scores)
    keys = product["depth"]
    fields = {
        "exponentials": f"${name}_exponentials",
        "reciprocals": "$attention_reciprocals",
        "keys": keys,
        "columns": product["columns"],
        "key_step": product["depth_step"],
        "column_step": product["column_step"],
        "zero_value": values.inputs[0].zero_point,
        "multiplier": product["multiplier"] * _int16_steps(values),
        "shift": product["shift"],
        **_narrowing_fields(parts.product, output),
    }
    declared = [
        array("int16_t", "attention_reciprocals", reciprocal_points()),
        array("int16_t", f"{name}_exponentials", _exponentials(parts)),
        structure("ecg_attention_params_s8", name, **fields),
    ]
    if scores is not None:
        of_scores = {field: value for field, value in scores.items() if field not in ("count", "rows")}
        declared.append(structure("ecg_attention_scores_params_s8", f"{name}_scores", **of_scores))
    return Step(
        name,
        "ecg_attention_s8",
        inputs,
        output,
        declare=lambda by_rows: declared,
        emit_all=_Loop(name, product, scores, sums if parts.mean is not None else None).emit,
        scratch=keys + (0 if scores is None else (keys + 1) // 2),  # the softmax, and the scores in 8 bits
    )


def _mean_step(name, parts, mean: GraphOperator, output: View, sums: int) -> Step:
    x = mean.operand(0)
    if not is_time_mean(mean):
        raise InputError(f"{mean.name} of shape {x.shape}: C99 has means of an attention over all queries")
    factor = mean_fields(mean, x.rows)
    fields = {"multiplier": factor["multiplier"], "shift": factor["shift"], **_narrowing_fields(mean, output)}
    return Step(
        name,
        "ecg_attention_s8",
        [],
        output,
        declare=lambda by_rows: [structure("ecg_attention_mean_params_s8", name, **fields)],
        emit_all=lambda places, out: [f"ecg_attention_mean_s8(&${name}, $sums + {sums}, {x.width}, {out.base});"],
    )


def _exponentials(parts: AttentionParts) -> np.ndarray:
    """exp of minus how far a score in 8 bits is below the highest, by that distance."""
    scale = np.float32(parts.widen.output.scale) * np.float32(parts.softmax.options.beta)
    return long_softmax_exponentials(float(scale), _int16_steps(parts.widen) * np.arange(256))


def _int16_steps(quantize: GraphOperator) -> int:
    """Steps of 16 bits in one of 8."""
    return round(quantize.operand(0).scale / quantize.output.scale)


def _narrowing_fields(operator: GraphOperator, output: View) -> dict[str, int]:
    """The fields that bring a 16-bit result to the 8 bits of `output`."""
    multiplier, shift = quantize_multiplier(operator.output.scale / output.tensor.scale)
    return {"narrow_multiplier": multiplier, "narrow_shift": shift, "zero_out": output.tensor.zero_point}
