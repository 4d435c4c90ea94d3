"""The float graph as a TensorFlow function: equal to LiteRT in every tensor, for every registered model."""

import numpy as np
import pytest
from tiny_models import inputs_of, shared

from export.tflite import flatbuffer
from firmware_bench.runtime.errors import InputError
from models_keras.registry import names


def litert_tensors(data, inputs, tensors):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    for tensor, values in inputs.items():
        interpreter.set_tensor(tensor, values)
    interpreter.invoke()
    return {tensor: interpreter.get_tensor(tensor) for tensor in tensors}


@pytest.mark.slow
@pytest.mark.parametrize("arch", names())
def test_every_tensor_equals_litert(arch):
    from export.convert.convertible_layers import make_convertible
    from export.convert.int8 import convert_calibrated_float
    from export.convert.layer_forms import first_16_bit_layer
    from export.quantise.float_graph import FloatGraph

    model = shared(arch)
    if first_16_bit_layer(model):
        pytest.skip("converted in 16 bits, by export.convert.whole_window, and not fine-tuned")
    windows = inputs_of(model, np.zeros(3))
    graph = FloatGraph(convert_calibrated_float(make_convertible(model), windows))
    found = graph.run(windows)
    data = flatbuffer.write(graph.file)
    for n in range(3):
        inputs = {tensor: windows[name][n : n + 1] for name, tensor in graph.inputs.items()}
        for tensor, expected in litert_tensors(data, inputs, found).items():
            np.testing.assert_allclose(found[tensor][n], expected, rtol=1e-3, atol=2e-4)


def test_weights_belong_to_one_operator_each(float_graph):
    from export.quantise.float_graph import FloatGraph

    graph = FloatGraph(float_graph)
    used = [int(tensor) for _, operator in graph.operators for tensor in operator.inputs]
    owned = [*graph.weights, *graph.biases]
    assert len(owned) > 30 and all(used.count(tensor) == 1 for tensor in owned)
    buffers = [graph.tensor(tensor).buffer for tensor in owned]
    assert len(set(buffers)) == len(buffers)


def test_a_new_weight_is_in_the_file(float_graph):
    from export.quantise.float_graph import FloatGraph

    graph = FloatGraph(float_graph)
    tensor = min(graph.biases)
    graph.set_constant(tensor, np.arange(graph.constants[tensor].size, dtype=np.float32))
    again = FloatGraph(flatbuffer.write(graph.file))
    found = [again.constants[t] for t in again.biases if again.constants[t].size == graph.constants[tensor].size]
    assert any(np.array_equal(values, np.arange(values.size)) for values in found)


def test_unknown_operator_is_named(float_graph, monkeypatch):
    from export.quantise import float_graph as module

    monkeypatch.delitem(module.OPERATORS, "LOGISTIC")
    with pytest.raises(InputError, match="the operator LOGISTIC has no integer form here"):
        module.FloatGraph(float_graph)
