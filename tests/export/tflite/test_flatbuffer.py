"""Reading, writing and describing TFLite files."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from export.tflite import compaction, flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.tflite_model import TFLiteModel
from firmware_bench.runtime.tflite_verifier import read_model_table


def test_metadata_round_trip_and_replacement(edited, integer):
    data = integer(edited)
    first = flatbuffer.set_metadata(data, ModelMetadata(labels=("N", "Ä")))
    assert read_metadata(first) == ModelMetadata(labels=("N", "Ä"))
    second = flatbuffer.set_metadata(first, ModelMetadata(labels=("A",), fs=250.0))
    assert read_metadata(second) == ModelMetadata(labels=("A",), fs=250.0)
    assert len(flatbuffer.read(second).metadata) == len(flatbuffer.read(first).metadata)


def test_weights_are_aligned_to_16_bytes(edited, integer):
    data = flatbuffer.set_metadata_payload(integer(edited), b"x" * 13)
    starts = [buffer.span(0).start for buffer in read_model_table(data).tables(4) if len(buffer.span(0))]
    assert len(starts) > 20 and all(start % 16 == 0 for start in starts)


def test_a_rewritten_file_computes_the_same(edited, integer, recogniser):
    data = integer(edited)
    again = flatbuffer.write(flatbuffer.read(data))
    for window in recogniser.others[:3]:
        np.testing.assert_array_equal(TFLiteModel(data).run(window), TFLiteModel(again).run(window))


def test_equal_scales_and_tables_are_written_once():
    """Scales of one channel each differ here, their zero points and shapes do not; so it is with whole tables."""
    from ai_edge_litert import schema_py_generated as schema

    def size(count):
        tensors = [
            schema.TensorT(
                shape=np.array([1000, 1], np.int32),
                quantization=schema.QuantizationParametersT(
                    scale=np.full(1000, n + 1, np.float32), zeroPoint=np.zeros(1000, np.int64)
                ),
                name=b"weights",
            )
            for n in range(count)
        ]
        model = schema.ModelT(subgraphs=[schema.SubGraphT(tensors=tensors)], buffers=[schema.BufferT()])
        data = flatbuffer.write(model)
        (graph,) = flatbuffer.read(data).subgraphs
        assert [list(t.quantization.scale) for t in graph.tensors] == [[n + 1.0] * 1000 for n in range(count)]
        assert all(len(t.quantization.zeroPoint) == 1000 and list(t.shape) == [1000, 1] for t in graph.tensors)
        return len(data)

    assert size(3) - size(2) < 4000 + 150  # the scales and the tensor, not 8,000 bytes of zeros


def test_a_compact_file_gives_the_same_outputs_and_keeps_the_names_of_inputs_and_outputs(edited, integer, recogniser):
    data = integer(edited)
    model = flatbuffer.read(data)
    compaction.compact(model)
    small = flatbuffer.write(model)
    assert len(small) < len(data) - 1000
    (graph,) = flatbuffer.read(small).subgraphs
    assert {n for n, tensor in enumerate(graph.tensors) if tensor.name} == {*graph.inputs, *graph.outputs}
    reshapes = [o for name, o, _ in flatbuffer.operators(flatbuffer.read(small)) if name == "RESHAPE"]
    assert reshapes and all(len(operator.inputs) == 1 for operator in reshapes)
    asked = {
        int(n)
        for o in graph.operators
        for part in (o.inputs, o.outputs, o.intermediates)
        for n in (() if part is None else part)
    }
    assert asked - {-1} | {*graph.inputs} == set(range(len(graph.tensors)))
    for window in recogniser.others[:3]:
        np.testing.assert_array_equal(TFLiteModel(data).run(window), TFLiteModel(small).run(window))


def test_in_a_compact_file_biases_share_the_scales_of_weights_and_the_delegate_takes_them(edited, integer):
    """XNNPACK leaves a convolution whose bias has no scales to slower kernels."""
    data = integer(edited)
    model = flatbuffer.read(data)
    compaction.compact(model)
    small = flatbuffer.write(model)
    convolutions = [o for name, o, _ in flatbuffer.operators(flatbuffer.read(small)) if name == "CONV_2D"]
    (graph,) = read_model_table(small).tables(2)
    tensors = graph.tables(0)
    for operator in convolutions:
        weights, bias = (tensors[tensor].table(4) for tensor in operator.inputs[1:3])
        assert weights.span(2) == bias.span(2)
    assert convolutions and delegates(small) == delegates(data) > 0


def delegates(data):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    return sum(detail["op_name"] == "DELEGATE" for detail in interpreter._get_ops_details())
