"""Acceptance checks that need only the file."""

import pytest
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.operator_facts import TFLM_OPERATORS
from export.verify.lint import lint


def failed(data):
    return {check.name: check.measured for check in lint(data) if not check.passed}


def test_float_operator_is_found(float_graph, edited, integer):
    assert failed(integer(edited)) == {}  # the LSTM operators' empty float tensors are no matter
    found = failed(float_graph)
    assert int(found["float tensors"].split()[0]) > 20 and "LSTM cell scales" in found


def test_one_float_tensor_is_named(edited, integer):
    model = flatbuffer.read(integer(edited))
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]]
    tensor.type, tensor.name = schema.TensorType.FLOAT32, b"probabilities"
    assert failed(flatbuffer.write(model)) == {"float tensors": "1 (probabilities)"}


def test_operator_that_tflm_lacks_is_named(edited, integer):
    model = flatbuffer.read(integer(edited))
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.SOFTMAX:
            code.builtinCode = schema.BuiltinOperator.TILE
    assert failed(flatbuffer.write(model)) == {"operators unknown to TFLite Micro": "1 (TILE)"}


def asks_for(name):
    """A file that asks for the operator `name` and then for one that TensorFlow Lite Micro does not have."""
    missing = schema.BuiltinOperator.BIDIRECTIONAL_SEQUENCE_LSTM
    codes = [
        schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), version=1, builtinCode=code)
        for code in (getattr(schema.BuiltinOperator, name), missing)
    ]
    tensors = [schema.TensorT(shape=[1], type=schema.TensorType.INT8, name=letter) for letter in (b"a", b"b")]
    operators = [schema.OperatorT(opcodeIndex=index, inputs=[0], outputs=[1]) for index in (0, 1)]
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[1], operators=operators)
    return flatbuffer.write(
        schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=[schema.BufferT()])
    )


@pytest.mark.parametrize("name", [*sorted(TFLM_OPERATORS), "TILE", "GELU"])
def test_list_is_what_tflm_has(name, capfd):
    from tflite_micro.python.tflite_micro import runtime

    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(asks_for(name), arena_size=1 << 16)
    blamed = "BIDIRECTIONAL_SEQUENCE_LSTM" if name in TFLM_OPERATORS else name
    assert f"builtin opcode '{blamed}'" in capfd.readouterr().err
