""".tflite files built by hand, tensor by tensor."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata, Tensor, WindowMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, encode_metadata, insert_digest

CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
TYPES = {
    np.int8: schema.TensorType.INT8,
    np.int16: schema.TensorType.INT16,
    np.int32: schema.TensorType.INT32,
    np.int64: schema.TensorType.INT64,
}


class TFLiteBuilder:
    """Builds a graph; its tensors are numbered in the order in which they are added."""

    def __init__(self):
        self.tensors, self.buffers, self.operators, self.kinds = [], [schema.BufferT()], [], []

    def tensor(self, shape, dtype, scales=(), zero_point=0, axis=0) -> int:
        """Add a tensor and return its number. scales: one, or one for each of the channels along `axis`."""
        scales = list(np.ravel(scales))
        form = schema.QuantizationParametersT(scale=scales, zeroPoint=[zero_point] * len(scales))
        form.quantizedDimension = axis
        tensor = schema.TensorT(shape=list(shape), type=TYPES[dtype], quantization=form if scales else None)
        tensor.name = f"tensor{len(self.tensors)}".encode()
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, values, dtype, scales=(), axis=0) -> int:
        values = np.asarray(values, dtype)
        number = self.tensor(values.shape, dtype, scales, axis=axis)
        self.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        self.tensors[number].buffer = len(self.buffers) - 1
        return number

    def operator(self, name, version, inputs, output, options=None) -> int:
        """Add an operator and return its output. options: the schema's object."""
        code = CODES[name]
        self.kinds.append(schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=version))
        node = schema.OperatorT(opcodeIndex=len(self.kinds) - 1, inputs=inputs, outputs=[output])
        if options is not None:
            node.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            node.builtinOptions = options
        self.operators.append(node)
        return output

    def data(self, inputs, outputs) -> bytes:
        graph = schema.SubGraphT(tensors=self.tensors, inputs=inputs, outputs=outputs, operators=self.operators)
        return flatbuffer.write(
            schema.ModelT(version=3, operatorCodes=self.kinds, subgraphs=[graph], buffers=self.buffers)
        )


def small_network(samples: int = 64) -> bytes:
    """An 8-bit file with the metadata and the digest of an export: (samples, 2) to three classes by many operators.

    It needs no TensorFlow, so that quick tests can damage it.
    """
    file, random = TFLiteBuilder(), np.random.default_rng(5)

    def made(name, inputs, shape, options=None, scale=0.05, zero_point=0, version=1):
        return file.operator(name, version, inputs, file.tensor(shape, np.int8, scale, zero_point), options)

    def weights(*shape, axis):
        values = random.integers(-127, 128, shape)
        return file.constant(values, np.int8, np.geomspace(0.001, 0.003, shape[axis]), axis)

    def biases(count):
        return file.constant(random.integers(-500, 500, count), np.int32, np.full(count, 1e-4))

    half = samples // 2
    ecg = file.tensor((1, samples, 2), np.int8, 0.05, 0)
    x = made("RESHAPE", [ecg, file.constant([1, 1, samples, 2], np.int32)], (1, 1, samples, 2))
    conv = schema.Conv2DOptionsT(padding=schema.Padding.SAME, strideW=2, strideH=1)
    x = made("CONV_2D", [x, weights(4, 1, 5, 2, axis=0), biases(4)], (1, 1, half, 4), conv, version=3)
    depthwise = schema.DepthwiseConv2DOptionsT(padding=schema.Padding.SAME, strideW=1, strideH=1, depthMultiplier=1)
    y = made("DEPTHWISE_CONV_2D", [x, weights(1, 1, 3, 4, axis=3), biases(4)], (1, 1, half, 4), depthwise, version=3)
    x = made("ADD", [x, y], (1, 1, half, 4), schema.AddOptionsT(), version=2)
    both = made("CONCATENATION", [x, y], (1, 1, half, 8), schema.ConcatenationOptionsT(axis=3), version=2)
    pool = schema.Pool2DOptionsT(padding=schema.Padding.SAME, strideW=2, strideH=1, filterWidth=2, filterHeight=1)
    x = made("MAX_POOL_2D", [both], (1, 1, half // 2, 8), pool, version=2)
    ends = [file.constant(values, np.int32) for values in ([0, 0, 1, 0], [0, 0, half // 2 - 1, 0], [1, 1, 1, 1])]
    masks = schema.StridedSliceOptionsT(beginMask=11, endMask=11)
    x = made("STRIDED_SLICE", [x, *ends], (1, 1, half // 2 - 2, 8), masks, version=2)
    amounts = file.constant([[0, 0], [0, 0], [1, 1], [0, 0]], np.int32)
    x = made("PAD", [x, amounts], (1, 1, half // 2, 8), schema.PadOptionsT(), version=2)
    turned = made("TRANSPOSE", [x, file.constant([0, 1, 3, 2], np.int32)], (1, 1, 8, half // 2), version=2)
    x = made("BATCH_MATMUL", [turned, x], (1, 1, 8, 8), schema.BatchMatMulOptionsT(), scale=0.4, version=2)
    mean = schema.ReducerOptionsT(keepDims=False)
    x = made("MEAN", [x, file.constant([1, 2], np.int32)], (1, 8), mean, version=2)
    dense = file.constant(random.integers(-127, 128, (3, 8)), np.int8, 0.004)
    bias = file.constant(random.integers(-500, 500, 3), np.int32, 1e-4)
    x = made("FULLY_CONNECTED", [x, dense, bias], (1, 3), schema.FullyConnectedOptionsT(), version=4)
    x = made("SOFTMAX", [x], (1, 3), schema.SoftmaxOptionsT(beta=1.0), 1 / 256, -128, version=2)
    metadata = ModelMetadata(
        architecture="small",
        task=TaskMetadata("rhythm"),
        labels=("N", "A", "O"),
        leads=("I", "II"),
        fs=100.0,
        window=WindowMetadata(samples, samples),
        inputs=(Tensor("ecg", (1, samples, 2), "int8", float(np.float32(0.05)), 0),),
        outputs=(Tensor("probabilities", (1, 3), "int8", 1 / 256, -128),),
        digest=DIGEST_PLACEHOLDER,
    )
    data = flatbuffer.set_metadata_payload(file.data([ecg], [x]), encode_metadata(metadata))
    return insert_digest(data)


def renew_digest(data: bytes) -> bytes:
    """The file with the digest that its bytes have by now, as whoever changes a file on purpose writes it."""
    start = data.rfind(b'"digest":"') + len(b'"digest":"')
    if start < len(b'"digest":"') or len(data) < start + 64:
        return data
    return insert_digest(data[:start] + DIGEST_PLACEHOLDER.encode() + data[start + 64 :])
