"""Attention in 16 bits as steps of the program (export.c99.fused): one query after the other, so that of the matrix of
scores one row is there at a time."""

import numpy as np

from export.c99.fixed_point import points_of_reciprocals, quantised, wide_exponentials
from export.c99.graph import Operator
from export.c99.matrices import product_fields
from export.c99.pools import is_time_mean, mean_fields
from export.c99.steps import Step, View, array, structure
from firmware_bench.runtime.errors import InputError


def attention(names: list[str], operator: Operator, inputs: list[View], outputs: list[View], sums: int) -> list[Step]:
    """The step of the product and, where there is one, that of the mean, for which the first adds up every softmax in
    the 32-bit sums from number `sums` on."""
    parts = operator.options
    steps = [_product(names[0], parts, inputs, outputs[0], sums)]
    if parts.mean is not None:
        steps.append(_mean(names[1], parts, outputs[1], sums))
    return steps


def _product(name, parts, inputs, output, sums):
    product, values, scored = product_fields(parts.product), parts.widen_values, parts.scores is not None
    queries, keys, columns = (product[field] for field in ("rows", "depth", "columns"))
    declared = [
        array("int16_t", "attention_reciprocals", points_of_reciprocals()),
        array("int16_t", f"{name}_exponentials", _exponentials(parts)),
    ]
    fields = {
        "exponentials": f"{name}_exponentials",
        "reciprocals": "attention_reciprocals",
        "keys": keys,
        "columns": columns,
        "key_step": product["depth_step"],
        "column_step": product["column_step"],
        "zero_value": values.inputs[0].zero_point,
        "multiplier": product["multiplier"] * _finer(values),
        "shift": product["shift"],
        **_narrowing(parts.product, output),
    }
    declared.append(structure("ecg_attention", name, **fields))
    if scored:
        scores = product_fields(parts.scores)
        depth, _, _ = scores["depth"], scores.pop("count"), scores.pop("rows")
        declared.append(structure("ecg_attention_scores", f"{name}_scores", **scores))

    def whole(places, out):
        *before, values = (place.base for place in places)
        row, lines = f"(int8_t *)(window + {keys})" if scored else f"{before[0]} + t * {keys}", []
        if scored:
            arguments = f"{before[0]} + t * {depth}, {before[1]} + t / {queries} * {depth * keys}, {row}"
            lines.append(f"ecg_attention_scores(&{name}_scores, {arguments});")
        lines.append(f"ecg_attention_weights(&{name}, {row}, window);")
        if parts.mean is not None:
            lines.append(f"ecg_attention_add(window, {keys}, sums + {sums});")
        arguments = f"window, {values} + t / {queries} * {keys * columns}, {out.base} + t * {columns}"
        lines.append(f"ecg_attention_product(&{name}, {arguments});")
        rows = product["count"] * queries
        return [f"for (int32_t t = 0; t < {rows}; ++t) {{", *(f"    {line}" for line in lines), "}"]

    return Step(
        name,
        "ecg_attention",
        inputs,
        output,
        declare=lambda by_rows: declared,
        whole=whole,
        window=keys + (keys + 1) // 2 * scored,  # the softmax, and the scores in 8 bits
    )


def _mean(name, parts, output, sums):
    x = parts.mean.inputs[0]
    if not is_time_mean(parts.mean):
        raise InputError(f"{parts.mean.name} of shape {x.shape}: C99 has means of an attention over all queries")
    factor = mean_fields(parts.mean, x.rows)
    fields = {"multiplier": factor["multiplier"], "shift": factor["shift"], **_narrowing(parts.mean, output)}
    return Step(
        name,
        "ecg_attention",
        [],
        output,
        declare=lambda by_rows: [structure("ecg_attention_mean", name, **fields)],
        whole=lambda places, out: [f"ecg_attention_mean(&{name}, sums + {sums}, {x.width}, {out.base});"],
    )


def _exponentials(parts):
    """Of how far a score in 8 bits lies below the highest."""
    scale = np.float32(parts.widen.output.scale) * np.float32(parts.softmax.options.beta)
    return wide_exponentials(float(scale), _finer(parts.widen) * np.arange(256))


def _finer(quantize) -> int:
    """Steps of 16 bits in one of 8."""
    return round(quantize.inputs[0].scale / quantize.output.scale)


def _narrowing(operator, output):
    multiplier, shift = quantised(operator.output.scale / output.tensor.scale)
    return {"narrower": multiplier, "narrower_shift": shift, "zero_out": output.tensor.zero_point}
