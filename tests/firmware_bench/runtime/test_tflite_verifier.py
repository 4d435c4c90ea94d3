"""What no TensorFlow Lite runtime may see is refused before it is loaded, in one line that says what is wrong."""

import dataclasses

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import CODES, TFLiteBuilder, small_network

from export.tflite import flatbuffer
from firmware_bench.runtime import tflite_schema
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.tflite_model import TFLiteModel
from firmware_bench.runtime.tflite_reader import read_model_file
from firmware_bench.runtime.tflite_verifier import read_model_table


def changed(change) -> bytes:
    """The file after `change(model, graph)` of its object tree; no metadata, so no digest."""
    model = flatbuffer.read(small_network())
    model.metadata = []
    change(model, model.subgraphs[0])
    return flatbuffer.write(model)


def find(model, name):
    return next(operator for found, operator, _ in flatbuffer.operators(model) if found == name)


def test_a_sound_file_is_read_and_runs():
    model = TFLiteModel(small_network())
    assert model.metadata.labels == ("N", "A", "O")
    assert model.run(np.zeros((64, 2))).shape == (3,)


def set_option(name, option, value):
    return lambda model, graph: setattr(find(model, name).builtinOptions, option, value)


def set_inputs(name, inputs):
    return lambda model, graph: setattr(find(model, name), "inputs", inputs)


def set_tensor(field, value, number=3):
    return lambda model, graph: setattr(graph.tensors[number], field, value)


def scale_of(number, scale):
    return lambda model, graph: setattr(graph.tensors[number].quantization, "scale", scale)


def use_operator(name, code):
    def change(model, graph):
        kind = model.operatorCodes[find(model, name).opcodeIndex]
        kind.builtinCode, kind.deprecatedBuiltinCode = code, min(code, 127)

    return change


def first_before_last(model, graph):
    graph.operators = graph.operators[::-1]


def write_twice(model, graph):
    graph.operators[-1].outputs = graph.operators[-2].outputs


def write_to_weights(model, graph):
    graph.operators[-1].outputs = [graph.operators[-2].inputs[1]]


def two_graphs(model, graph):
    model.subgraphs.append(graph)


def own_operator(model, graph):
    use_operator("TRANSPOSE", CODES["CUSTOM"])(model, graph)
    model.operatorCodes[0].customCode = b"FlexReadFile"


def short_weights(model, graph):
    weights = graph.tensors[find(model, "CONV_2D").inputs[1]]
    model.buffers[weights.buffer].data = model.buffers[weights.buffer].data[:-1]


def drop_a_scale(model, graph):
    form = graph.tensors[find(model, "CONV_2D").inputs[1]].quantization
    form.scale = form.scale[:-1]


CASES = {
    "a stride of zero": (set_option("CONV_2D", "strideW", 0), "option 1 = 0"),
    "a stride of 2^30": (set_option("MAX_POOL_2D", "strideH", 2**30), "option 2"),
    "a filter of zero": (set_option("MAX_POOL_2D", "filterWidth", 0), "option 3 = 0"),
    "a dilation of -1": (set_option("DEPTHWISE_CONV_2D", "dilationHFactor", -1), "option 6 = -1"),
    "an unknown padding": (set_option("CONV_2D", "padding", 7), "option 0 = 7"),
    "an unknown activation": (set_option("ADD", "fusedActivationFunction", 99), "option 0 = 99"),
    "an input that is not there": (set_inputs("ADD", [3, 900]), "input that is not there"),
    "a negative input": (set_inputs("ADD", [3, -1]), "input that is not there"),
    "too few inputs": (set_inputs("BATCH_MATMUL", [3]), "has 1 inputs"),
    "an input of the future": (first_before_last, "not computed before"),
    "an output written twice": (write_twice, "has a value already"),
    "an output over weights": (write_to_weights, "has a value already"),
    "two graphs": (two_graphs, "2 graphs"),
    "a loop": (use_operator("TRANSPOSE", CODES["WHILE"]), "kind 119, which ecg-edge does not run"),
    "an operator that reads files": (own_operator, "kind 32, which ecg-edge does not run"),
    "an operator of another year": (use_operator("TRANSPOSE", 900), "kind 900"),
    "a shape of 10^18 elements": (set_tensor("shape", [10**6] * 3), "at most .* bytes"),
    "a negative shape": (set_tensor("shape", [1, -5]), "shape"),
    "a shape of nine axes": (set_tensor("shape", [1] * 9), "9 entries"),
    "a type that is none": (set_tensor("type", 77), "type"),
    "strings": (set_tensor("type", schema.TensorType.STRING), "type"),
    "a buffer that is not there": (set_tensor("buffer", 10**6), "buffer that is not there"),
    "weights cut short": (short_weights, "its buffer has"),
    "a scale of nan": (scale_of(3, [float("nan")]), "scale"),
    "a scale of zero": (scale_of(3, [0.0]), "scale"),
    "a scale that is negative": (scale_of(3, [-1.0]), "scale"),
    "a scale too few": (drop_a_scale, "scales"),
    "an output nobody computes": (lambda model, graph: setattr(graph, "outputs", [1, 900]), "not there"),
    "no operators": (lambda model, graph: setattr(graph, "operators", []), "computes nothing|not computed"),
    "a signature's tensor": (
        lambda model, graph: setattr(
            model, "signatureDefs", [schema.SignatureDefT(inputs=[schema.TensorMapT(name=b"x", tensorIndex=999)])]
        ),
        "signature",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hostile_structure_is_refused(name):
    change, message = CASES[name]
    with pytest.raises(ModelError, match=message):
        read_model_table(changed(change))


def test_more_memory_than_any_model_needs_is_refused():
    file = TFLiteBuilder()
    x = file.tensor((1, 10**8), np.int8, 0.1)
    for _ in range(20):
        x = file.operator("TANH", 1, [x], file.tensor((1, 10**8), np.int8, 0.1))
    with pytest.raises(ModelError, match=r"2.1 GB of memory"):
        read_model_table(file.data([0], [x]))


@pytest.mark.parametrize("length", [0, 3, 8, 15, 100, 1000, 3000])
def test_a_file_cut_off_is_refused(length):
    with pytest.raises(ModelError):
        read_model_table(small_network()[:length])


def test_options_with_vectors_and_those_that_divide_are_known_by_the_schema():
    """The numbers of tflite_schema are those of the schema that the runtime is generated from."""
    types = {code: name for name, code in vars(schema.BuiltinOptions).items() if not name.startswith("_")}
    for code, name in types.items():
        vectors = {field for field in vars(getattr(schema, name, object)) if field.endswith("IsNone")}
        assert len(vectors) == len(
            [1 for form in tflite_schema.OPTION_VECTORS.get(code, {}).values() if isinstance(form, list)]
        ), name
    expected = {1: "Conv2DOptions", 2: "DepthwiseConv2DOptions", 5: "Pool2DOptions", 49: "TransposeConvOptions"}
    assert {code: types[code] for code in expected} == expected


def test_a_pipe_is_no_model(tmp_path):
    import os

    os.mkfifo(tmp_path / "model.tflite")
    with pytest.raises(ModelError, match="a device or a pipe"):
        read_model_file(tmp_path / "model.tflite")


def test_a_type_that_metadata_do_not_know_is_refused():
    data = changed(lambda model, graph: None)
    model = TFLiteModel(data)
    with pytest.raises(ValueError, match="dtype"):
        dataclasses.replace(model.inputs[0], dtype="float16")
