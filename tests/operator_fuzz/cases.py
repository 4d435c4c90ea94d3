"""Files of one operator each, drawn at random: shapes, strides, dilations, groups, paddings, fused activations, scales
and zero points, with their ends (an axis of one, a zero point of -128 or 127, scales far apart) more often than a model
has them."""

import math
from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder

PADDINGS = (schema.Padding.SAME, schema.Padding.VALID)
ACTIVATIONS = [getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")]
INT8, INT16 = np.int8, np.int16


class Draw:
    """A file while it is drawn. `kind` is the type of all its values."""

    def __init__(self, random: np.random.Generator, kind: type):
        self.random, self.kind, self.file = random, kind, TFLiteBuilder()
        self.inputs: list[int] = []

    def one_of(self, *choices):
        return choices[self.random.integers(len(choices))]

    def count(self, most: int) -> int:
        """1 to `most`; one in four is 1."""
        return 1 if self.random.random() < 0.25 else int(self.random.integers(1, most + 1))

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def scale(self) -> float:
        """Of a tensor: as models have it, one in four a power of two."""
        scale = 10 ** self.random.uniform(-3, 0) / (1 if self.kind is INT8 else 128)
        return 2.0 ** round(math.log2(scale)) if self.chance(0.25) else float(np.float32(scale))

    def near(self, scale: float) -> float:
        """Another scale: that one, one of the same size, or (one in seven) one up to a million times off."""
        if self.chance(0.2):
            return scale
        far = self.one_of(3, 6) if self.chance(0.15) else 0.5
        return float(np.float32(scale * 10 ** self.random.uniform(-far, far)))

    def zero(self) -> int:
        if self.kind is INT16:
            return 0
        return int(self.one_of(0, -128, 127, *self.random.integers(-128, 128, 3)))

    def form(self) -> tuple[float, int]:
        return self.scale(), self.zero()

    def tensor(self, shape, form=None, kind=None) -> int:
        scale, zero = form or self.form()
        return self.file.tensor(shape, kind or self.kind, scale, zero)

    def input(self, shape, form=None) -> int:
        self.inputs.append(self.tensor(shape, form))
        return self.inputs[-1]

    def integers(self, values) -> int:
        return self.file.constant(values, np.int32)

    def values(self, shape, form, kind=None) -> int:
        """A constant over the whole range."""
        bounds = np.iinfo(kind or self.kind)
        found = self.random.integers(bounds.min, bounds.max + 1, shape)
        number = self.file.constant(found, kind or self.kind, form[0])
        self.file.tensors[number].quantization.zeroPoint = [form[1]]
        return number

    def shape(self, axes=None, most: int = 7) -> tuple[int, ...]:
        """Of two to four axes, the first 1."""
        axes = axes or int(self.random.integers(2, 5))
        return (1, *(self.count(most) for _ in range(axes - 1)))

    def form_of(self, tensor: int) -> tuple[float, int]:
        quantisation = self.file.tensors[tensor].quantization
        return quantisation.scale[0], quantisation.zeroPoint[0]

    def finish(self, name, version, inputs, outputs, options=None) -> bytes:
        outputs = outputs if isinstance(outputs, list) else [outputs]
        self.file.operator(name, version, inputs, outputs[0], options)
        self.file.operators[-1].outputs = outputs
        return self.file.data(self.inputs, outputs)


def output_form(draw: Draw, product: float, terms: int) -> tuple[float, int]:
    """A form in which sums of so many products of two 8-bit values seldom saturate; one in eight is far from it."""
    spread = product * 73 * (73 if draw.kind is INT8 else 73 * 256) * math.sqrt(terms)
    steps = draw.random.uniform(15, 90) * (1 if draw.kind is INT8 else 256)
    far = 2 if draw.chance(0.12) else 0
    return float(np.float32(spread / steps * 10 ** draw.random.uniform(-far, far))), draw.zero()


def filter_of(draw: Draw, shape, axis, scale, terms, bias_kind=None):
    """Weights, biases and the form of the output: one scale or one for each channel."""
    count = shape[axis] if axis is not None else shape[0]
    per_channel = axis is not None and draw.chance(0.8)
    scales = 10 ** draw.random.uniform(-3.3, -1.7, count if per_channel else 1)
    if draw.chance(0.1):
        scales *= 10 ** draw.random.uniform(-2, 2, scales.size)
    scales = np.float32(scales)
    low = -128 if draw.chance(0.1) else -127
    weights = draw.random.integers(low, 128, shape)
    if draw.chance(0.1):
        weights = draw.random.choice([-127, 127], shape)
    form = output_form(draw, float(scale * np.median(scales)), terms)
    inputs = [draw.file.constant(weights, np.int8, scales, axis or 0)]
    if draw.chance(0.8):
        limit = int(terms * 73 * (73 if draw.kind is INT8 else 73 * 256))
        kind = bias_kind or (np.int32 if draw.kind is INT8 else np.int64)
        biases = draw.random.integers(-limit, limit + 1, count)
        inputs.append(draw.file.constant(biases, kind, np.float32(scale * scales)))
    return inputs, form


def sizes_after(draw, sizes, kernel, stride, dilation, padding):
    """Sizes of the output, or None where a valid convolution has no room."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    rest = [n if padding == PADDINGS[0] else n - r + 1 for n, r in zip(sizes, reach, strict=True)]
    return None if min(rest) < 1 else [-(-n // s) for n, s in zip(rest, stride, strict=True)]


def plane(draw: Draw, most=(7, 11)):
    """(sizes, kernel, stride, dilation, padding, output sizes): over time alone in half of the cases."""
    while True:
        flat = draw.chance(0.5)

        def pair(second, first=1, flat=flat):
            return (1 if flat else draw.count(first or second), draw.count(second))

        sizes, kernel, stride = pair(2 * most[1] if flat else most[1], most[0]), pair(5, 4), pair(3, 3)
        dilation = pair(3, 3) if draw.chance(0.3) else (1, 1)
        padding = draw.one_of(*PADDINGS)
        made = sizes_after(draw, sizes, kernel, stride, dilation, padding)
        if made:
            return sizes, kernel, stride, dilation, padding, made


def convolution(draw: Draw) -> bytes:
    sizes, kernel, stride, dilation, padding, made = plane(draw)
    groups = draw.one_of(1, 1, 1, 2, 3)
    depth, channels = (groups * draw.count(6) for _ in range(2))
    x = draw.input((1, *sizes, depth))
    scale = draw.form_of(x)[0]
    terms = math.prod(kernel) * depth // groups
    inputs, form = filter_of(draw, (channels, *kernel, depth // groups), 0, scale, terms)
    options = schema.Conv2DOptionsT(padding=padding, fusedActivationFunction=draw.one_of(*ACTIVATIONS))
    (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor) = stride, dilation
    return draw.finish("CONV_2D", 3, [x, *inputs], draw.tensor((1, *made, channels), form), options)


def depthwise(draw: Draw) -> bytes:
    sizes, kernel, stride, dilation, padding, made = plane(draw)
    if stride[0] != stride[1] and min(stride) > 0 and draw.chance(0.5):
        stride = (stride[1], stride[1])
        made = sizes_after(draw, sizes, kernel, stride, dilation, padding)
    depth, times = draw.count(9), draw.one_of(1, 1, 1, 2, 3)
    x = draw.input((1, *sizes, depth))
    inputs, form = filter_of(draw, (1, *kernel, depth * times), 3, draw.form_of(x)[0], math.prod(kernel))
    options = schema.DepthwiseConv2DOptionsT(padding=padding, depthMultiplier=times)
    options.fusedActivationFunction = draw.one_of(*ACTIVATIONS)
    (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor) = stride, dilation
    return draw.finish("DEPTHWISE_CONV_2D", 3, [x, *inputs], draw.tensor((1, *made, depth * times), form), options)


def transposed_convolution(draw: Draw) -> bytes:
    flat = draw.chance(0.5)
    sizes, kernel, stride = ((1 if flat else draw.count(n), draw.count(2 * n)) for n in (4, 3, 3))
    padding, depth, channels = draw.one_of(*PADDINGS), draw.count(5), draw.count(5)
    made = [n * s if padding == PADDINGS[0] else (n - 1) * s + max(k, s)
            for n, s, k in zip(sizes, stride, kernel, strict=True)]  # fmt: skip
    x = draw.tensor((1, *sizes, depth))
    draw.inputs.append(x)
    terms = math.prod(kernel) * depth
    inputs, form = filter_of(draw, (channels, *kernel, depth), 0, draw.form_of(x)[0], terms)
    options = schema.TransposeConvOptionsT(padding=padding, strideH=stride[0], strideW=stride[1])
    options.fusedActivationFunction = draw.one_of(*ACTIVATIONS)
    shape = (1, *made, channels)
    words = [draw.integers(shape), inputs[0], x, *inputs[1:]]
    return draw.finish("TRANSPOSE_CONV", 3, words, draw.tensor(shape, form), options)


def dense(draw: Draw) -> bytes:
    shape, channels = draw.shape(most=9), draw.count(9)
    x = draw.input(shape)
    inputs, form = filter_of(draw, (channels, shape[-1]), draw.one_of(None, 0), draw.form_of(x)[0], shape[-1])
    options = schema.FullyConnectedOptionsT(keepNumDims=len(shape) > 2)
    options.fusedActivationFunction = draw.one_of(*ACTIVATIONS)
    y = draw.tensor((*shape[:-1], channels), form)
    return draw.finish("FULLY_CONNECTED", 4, [x, *inputs], y, options)


def pool(name: str) -> Callable[[Draw], bytes]:
    def made(draw: Draw) -> bytes:
        sizes, kernel, stride, _, padding, _ = plane(draw)
        after = sizes_after(draw, sizes, kernel, stride, (1, 1), padding)
        depth, form = draw.count(7), draw.form()
        x, y = draw.input((1, *sizes, depth), form), draw.tensor((1, *after, depth), form)
        options = schema.Pool2DOptionsT(padding=padding, fusedActivationFunction=draw.one_of(*ACTIVATIONS))
        options.filterHeight, options.filterWidth = kernel
        options.strideH, options.strideW = stride
        return draw.finish(name, 2 if draw.kind is INT8 else 3, [x], y, options)

    return made


def binary(name: str, version: int, options: type | None = None, same=False) -> Callable[[Draw], bytes]:
    """Two operands; one may be constant or repeated along some axes. same: they share one form."""

    def made(draw: Draw) -> bytes:
        shape, form = draw.shape(), draw.form()
        others = [form, form] if same else [(draw.near(form[0]), draw.zero()) for _ in range(2)]
        if name in ("MUL", "SQUARED_DIFFERENCE") and draw.chance(0.8):
            factor = form[0] * (others[0][0] if name == "MUL" else form[0])
            others[1] = float(np.float32(factor * (73 if draw.kind is INT8 else 9000))), others[1][1]
        kept = shape
        if draw.chance(0.5):
            kept = tuple(n if draw.chance(0.5) else 1 for n in shape)[draw.one_of(0, 0, 1) :]
        x = draw.input(shape, form)
        constant = draw.chance(0.4)
        y = draw.values(kept, others[0]) if constant else draw.input(kept, others[0])
        inputs = [y, x] if name != "PRELU" and draw.chance(0.3) else [x, y]
        if not constant and inputs[0] == y:
            draw.inputs.reverse()
        form_of = options() if options else None
        if form_of is not None and hasattr(form_of, "fusedActivationFunction"):
            form_of.fusedActivationFunction = draw.one_of(*ACTIVATIONS)
        return draw.finish(name, version, inputs, draw.tensor(shape, others[1]), form_of)

    return made


def unary(name: str, version: int, options: Callable[[Draw], object] = lambda draw: None, fixed=None):
    """One operand. fixed: {value type: the form of the output that the kernel demands}."""

    def made(draw: Draw) -> bytes:
        shape, form = draw.shape(), draw.form()
        if name in ("RSQRT", "SQRT"):
            form = form[0], -128
        given = (fixed or {}).get(draw.kind) or (draw.near(form[0]), draw.zero())
        return draw.finish(name, version, [draw.input(shape, form)], draw.tensor(shape, given), options(draw))

    return made


def leaky(draw):
    options = schema.LeakyReluOptionsT()
    options.alpha = float(draw.one_of(0.01, 0.1, 0.3, 1.0, draw.random.uniform(0, 1)))
    return options


def softmax(draw: Draw) -> bytes:
    shape = draw.shape(most=12)
    form = (1 / 256, -128) if draw.kind is INT8 else (2.0**-15, 0)
    options = schema.SoftmaxOptionsT(beta=float(draw.one_of(1.0, 1.0, draw.random.uniform(0.1, 3))))
    return draw.finish("SOFTMAX", 3, [draw.input(shape)], draw.tensor(shape, form), options)


def l2_normalization(draw: Draw) -> bytes:
    shape = draw.shape(most=12)
    return draw.finish("L2_NORMALIZATION", 2, [draw.input(shape)], draw.tensor(shape, (1 / 128, 0)),
                       schema.L2NormOptionsT())  # fmt: skip


def matmul(draw: Draw) -> bytes:
    before, rows, depth, columns = draw.shape()[:-1], draw.count(7), draw.count(9), draw.count(7)
    before = before[:2]
    transposed = draw.chance(0.5)
    a = draw.input((*before, rows, depth))
    b = draw.input((*before, columns, depth) if transposed else (*before, depth, columns))
    product = draw.form_of(a)[0] * draw.form_of(b)[0] * (1 if draw.kind is INT8 else 256)
    y = draw.tensor((*before, rows, columns), output_form(draw, product, depth))
    return draw.finish("BATCH_MATMUL", 2, [a, b], y, schema.BatchMatMulOptionsT(adjY=transposed))


def reduction(name: str, same: bool) -> Callable[[Draw], bytes]:
    def made(draw: Draw) -> bytes:
        shape, form = draw.shape(axes=4), draw.form()
        count = draw.one_of(1, 1, 2)
        axes = sorted(draw.random.choice([1, 2, 3], count, replace=False).tolist())
        keep = draw.chance(0.5)
        kept = [1 if axis in axes else n for axis, n in enumerate(shape) if keep or axis not in axes]
        y = draw.tensor(kept, form if same else (draw.near(form[0]), draw.zero()))
        given = [axis - 4 if draw.chance(0.3) else axis for axis in axes]
        options = schema.ReducerOptionsT(keepDims=keep)
        return draw.finish(name, 2, [draw.input(shape, form), draw.integers(given)], y, options)

    return made


def concatenation(draw: Draw) -> bytes:
    shape, form, count = draw.shape(), draw.form(), int(draw.random.integers(2, 5))
    axis = int(draw.random.integers(1, len(shape)))
    sizes = [draw.count(4) for _ in range(count)]
    inputs = [draw.input((*shape[:axis], n, *shape[axis + 1 :]), form) for n in sizes]
    y = draw.tensor((*shape[:axis], sum(sizes), *shape[axis + 1 :]), form)
    options = schema.ConcatenationOptionsT(axis=draw.one_of(axis, axis - len(shape)))
    return draw.finish("CONCATENATION", 2, inputs, y, options)


def pack(draw: Draw) -> bytes:
    shape, form, count = draw.shape(axes=int(draw.random.integers(2, 4))), draw.form(), draw.count(4)
    axis = int(draw.random.integers(1, len(shape) + 1))
    inputs = [draw.input(shape, form) for _ in range(count)]
    y = draw.tensor((*shape[:axis], count, *shape[axis:]), form)
    return draw.finish("PACK", 2, inputs, y, schema.PackOptionsT(valuesCount=count, axis=axis))


def unpack(draw: Draw) -> bytes:
    shape, form = draw.shape(axes=int(draw.random.integers(3, 5)), most=4), draw.form()
    axis = int(draw.random.integers(1, len(shape)))
    outputs = [draw.tensor((*shape[:axis], *shape[axis + 1 :]), form) for _ in range(shape[axis])]
    options = schema.UnpackOptionsT(num=shape[axis], axis=axis)
    return draw.finish("UNPACK", 4, [draw.input(shape, form)], outputs, options)


def split(draw: Draw) -> bytes:
    shape, form, count = list(draw.shape()), draw.form(), draw.count(4)
    axis = int(draw.random.integers(1, len(shape)))
    part = tuple(shape)
    shape[axis] *= count
    outputs = [draw.tensor(part, form) for _ in range(count)]
    inputs = [draw.integers(axis), draw.input(shape, form)]
    return draw.finish("SPLIT", 4, inputs, outputs, schema.SplitOptionsT(numSplits=count))


def split_v(draw: Draw) -> bytes:
    shape, form = list(draw.shape()), draw.form()
    axis, sizes = int(draw.random.integers(1, len(shape))), [draw.count(4) for _ in range(draw.count(4))]
    shape[axis] = sum(sizes)
    outputs = [draw.tensor((*shape[:axis], n, *shape[axis + 1 :]), form) for n in sizes]
    inputs = [draw.input(shape, form), draw.integers(sizes), draw.integers(axis)]
    return draw.finish("SPLIT_V", 2, inputs, outputs, schema.SplitVOptionsT(numSplits=len(sizes)))


def pad(name: str) -> Callable[[Draw], bytes]:
    def made(draw: Draw) -> bytes:
        shape, form = draw.shape(), draw.form()
        amounts = np.array([[0, 0], *([draw.count(3) - 1, draw.count(4) - 1] for _ in shape[1:])])
        x, y = draw.input(shape, form), draw.tensor(np.add(shape, amounts.sum(1)).tolist(), form)
        inputs = [x, draw.integers(amounts)]
        if name == "PADV2":
            value = draw.one_of(0, form[1], -128, 127)
            inputs.append(draw.values((1,), form))
            draw.file.buffers[-1].data = np.frombuffer(np.array([value], draw.kind).tobytes(), np.uint8)
        options = schema.PadOptionsT() if name == "PAD" else schema.PadV2OptionsT()
        return draw.finish(name, 2 if draw.kind is INT8 else 3, inputs, y, options)

    return made


def reverse(draw: Draw) -> bytes:
    shape, form = draw.shape(), draw.form()
    axis = int(draw.random.integers(1, len(shape)))
    inputs = [draw.input(shape, form), draw.integers([draw.one_of(axis, axis - len(shape))])]
    return draw.finish("REVERSE_V2", 3, inputs, draw.tensor(shape, form), schema.ReverseV2OptionsT())


def slices(draw: Draw) -> bytes:
    shape, form = draw.shape(), draw.form()
    begins = [int(draw.random.integers(n)) for n in shape]
    sizes = [int(draw.random.integers(1, n - begin + 1)) for n, begin in zip(shape, begins, strict=True)]
    given = [-1 if begin + size == n and draw.chance(0.5) else size
             for n, begin, size in zip(shape, begins, sizes, strict=True)]  # fmt: skip
    inputs = [draw.input(shape, form), draw.integers(begins), draw.integers(given)]
    return draw.finish("SLICE", 3, inputs, draw.tensor(sizes, form), schema.SliceOptionsT())


def strided_slice(draw: Draw) -> bytes:
    while True:
        shape = draw.shape()
        begins, ends, by, sizes = [], [], [], []
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = options.shrinkAxisMask = 0
        for axis, n in enumerate(shape):
            step = int(draw.one_of(1, 1, 2, 3, -1, -2)) if axis else 1
            begin, end = (int(draw.random.integers(-n - 2, n + 3)) for _ in range(2))
            masked = draw.chance(0.4), draw.chance(0.4)
            if axis == 0:
                masked = True, True
            options.beginMask |= masked[0] << axis
            options.endMask |= masked[1] << axis
            taken = len(range(n)[None if masked[0] else begin : None if masked[1] else end : step])
            if axis and len(shape) > 2 and not any(masked) and -n <= begin < n and step == 1 and draw.chance(0.5):
                options.shrinkAxisMask |= 1 << axis
                taken, end = None, begin + 1
            begins.append(begin), ends.append(end), by.append(step), sizes.append(taken)
        made = [n for n in sizes if n is not None]
        if 0 not in made and len(made) > 1:
            break
    form = draw.form()
    inputs = [draw.input(shape, form), *map(draw.integers, (begins, ends, by))]
    return draw.finish("STRIDED_SLICE", 2, inputs, draw.tensor(made, form), options)


def transpose(draw: Draw) -> bytes:
    shape, form = draw.shape(), draw.form()
    order = [0, *(1 + draw.random.permutation(len(shape) - 1)).tolist()]
    y = draw.tensor([shape[axis] for axis in order], form)
    inputs = [draw.input(shape, form), draw.integers(order)]
    return draw.finish("TRANSPOSE", 2 if draw.kind is INT8 else 4, inputs, y, schema.TransposeOptionsT())


def lstm(draw: Draw) -> bytes:
    """8-bit values; the cell's state has 16 bits and a power of two as its scale."""
    file, steps, inputs, units = draw.file, draw.count(6), draw.count(6), draw.count(6)
    x = draw.input((1, steps, inputs))
    state = float(np.float32(draw.random.uniform(0.2, 1.0) / 127)), draw.zero()
    words = [x]
    for depth, scale in ((inputs, draw.form_of(x)[0]), (units, state[0])):
        for _ in range(4):
            weight = float(np.float32(draw.random.uniform(0.3, 3) / (scale * 73 * 73 * math.sqrt(depth))))
            words.append(file.constant(draw.random.integers(-127, 128, (units, depth)), np.int8, weight))
    words += [-1, -1, -1]
    for gate in range(4):
        factor = float(np.float32(draw.form_of(x)[0] * file.tensors[words[1 + gate]].quantization.scale[0]))
        words.append(file.constant(draw.random.integers(-2000, 2000, units), np.int32, factor))
    words += [-1, -1]
    hidden = file.tensor((1, units), np.int8, *state)
    cell = file.tensor((1, units), np.int16, 2.0 ** -int(draw.random.integers(10, 15)))
    file.tensors[hidden].isVariable = file.tensors[cell].isVariable = True
    words += [hidden, cell, -1, -1, -1, -1]
    y = draw.tensor((1, steps, units), state)
    options = schema.UnidirectionalSequenceLSTMOptionsT(cellClip=float(draw.one_of(0.0, 0.0, 10.0, 1.5)))
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    ranges = [file.tensor((0,), np.int16, 2.0**-12) for _ in range(4)] + [file.tensor((0,), np.int8, *state)]
    file.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", 3, words, y, options)
    file.operators[-1].intermediates = ranges
    return file.data(draw.inputs, [y])


BOTH = (INT8, INT16)
SIGMOID = {INT8: (1 / 256, -128), INT16: (2.0**-15, 0)}
TANH = {INT8: (1 / 128, 0), INT16: (2.0**-15, 0)}
# operator → (how a file is drawn, the types of its values that the runtimes have)
CASES: dict[str, tuple[Callable[[Draw], bytes], tuple[type, ...]]] = {
    "ABS": (unary("ABS", 2, lambda draw: schema.AbsOptionsT()), (INT8,)),
    "ADD": (binary("ADD", 2, schema.AddOptionsT), BOTH),
    "AVERAGE_POOL_2D": (pool("AVERAGE_POOL_2D"), BOTH),
    "BATCH_MATMUL": (matmul, BOTH),
    "CONCATENATION": (concatenation, BOTH),
    "CONV_2D": (convolution, BOTH),
    "DEPTHWISE_CONV_2D": (depthwise, BOTH),
    "EXP": (unary("EXP", 2, lambda draw: schema.ExpOptionsT()), (INT8,)),
    "FULLY_CONNECTED": (dense, BOTH),
    "HARD_SWISH": (unary("HARD_SWISH", 1, lambda draw: schema.HardSwishOptionsT()), (INT8,)),
    "L2_NORMALIZATION": (l2_normalization, (INT8,)),
    "LEAKY_RELU": (unary("LEAKY_RELU", 2, leaky), BOTH),
    "LOGISTIC": (unary("LOGISTIC", 2, fixed=SIGMOID), BOTH),
    "MAXIMUM": (binary("MAXIMUM", 3, schema.MaximumMinimumOptionsT, same=True), BOTH),
    "MAX_POOL_2D": (pool("MAX_POOL_2D"), BOTH),
    "MEAN": (reduction("MEAN", same=False), BOTH),
    "MINIMUM": (binary("MINIMUM", 3, schema.MaximumMinimumOptionsT, same=True), BOTH),
    "MUL": (binary("MUL", 2, schema.MulOptionsT), BOTH),
    "NEG": (unary("NEG", 1, lambda draw: schema.NegOptionsT()), (INT8,)),
    "SQRT": (unary("SQRT", 1), (INT8,)),
    "PACK": (pack, BOTH),
    "PAD": (pad("PAD"), BOTH),
    "PADV2": (pad("PADV2"), BOTH),
    "PRELU": (binary("PRELU", 1), (INT8,)),
    "QUANTIZE": (unary("QUANTIZE", 2, lambda draw: schema.QuantizeOptionsT()), BOTH),
    "REDUCE_MAX": (reduction("REDUCE_MAX", same=True), BOTH),
    "REDUCE_MIN": (reduction("REDUCE_MIN", same=True), BOTH),
    "RELU": (unary("RELU", 2), BOTH),
    "RELU6": (unary("RELU6", 2), BOTH),
    "REVERSE_V2": (reverse, BOTH),
    "RSQRT": (unary("RSQRT", 2), (INT8,)),
    "SLICE": (slices, BOTH),
    "SOFTMAX": (softmax, BOTH),
    "SPLIT": (split, BOTH),
    "SPLIT_V": (split_v, BOTH),
    "SQUARED_DIFFERENCE": (binary("SQUARED_DIFFERENCE", 2, schema.SquaredDifferenceOptionsT), (INT8,)),
    "STRIDED_SLICE": (strided_slice, BOTH),
    "SUB": (binary("SUB", 2, schema.SubOptionsT), BOTH),
    "TANH": (unary("TANH", 2, fixed=TANH), BOTH),
    "TRANSPOSE": (transpose, BOTH),
    "TRANSPOSE_CONV": (transposed_convolution, BOTH),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (lstm, (INT8,)),
    "UNPACK": (unpack, BOTH),
}


def draw_case(name: str, seed: int) -> bytes:
    """The file of an operator that belongs to a seed."""
    make, kinds = CASES[name]
    random = np.random.default_rng([seed, *name.encode()])
    return make(Draw(random, kinds[random.integers(len(kinds))]))


def draw_inputs(data_inputs, seed: int) -> list[list[np.ndarray]]:
    """Inputs of a file: noise over the whole range twice, both ends of the range, and ends and zeros in turns.

    Args:
        data_inputs: (shape, type) of every input.
        seed: Of the random numbers.
    """
    random, found = np.random.default_rng(seed), []
    for n in range(5):
        arrays = []
        for shape, dtype in data_inputs:
            bounds = np.iinfo(dtype)
            if n < 2:
                values = random.integers(bounds.min, bounds.max + 1, shape)
            elif n < 4:
                values = np.full(shape, bounds.max if n == 2 else bounds.min)
            else:
                values = random.choice([bounds.min, 0, 1, bounds.max], shape)
            arrays.append(values.astype(dtype))
        found.append(arrays)
    return found
