"""A .tflite file that takes what was before as inputs, made by hand: what it says is what it was told."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.signature import describe_tensors
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.streaming_model import HistoryModel
from firmware_bench.runtime.tflite_model import TFLiteModel

BEFORE = 5
HISTORIES = {"rr": None, "labels": "probabilities"}


def repeating(classes=3, scale=1 / 128, zero_point=-128) -> bytes:
    """probabilities: what `ecg` (1, classes) says; known: the RR intervals, and the labels behind them. scale,
    zero_point: of both histories."""
    graph = schema.SubGraphT(tensors=[], operators=[])
    model = schema.ModelT(version=3, operatorCodes=[], subgraphs=[graph], buffers=[schema.BufferT()])
    editor = Editor(model)
    inputs = {
        "ecg": editor.tensor((1, 1, classes), scale=1 / 256, zero_point=-128),
        "rr": editor.tensor((1, BEFORE), scale=scale, zero_point=zero_point),
        "labels": editor.tensor((1, BEFORE, classes), scale=scale, zero_point=zero_point),
    }
    flat = editor.reshape(inputs["labels"], (1, BEFORE * classes))
    known = editor.tensor((1, BEFORE * (1 + classes)), like=flat)
    outputs = {
        "probabilities": editor.reshape(inputs["ecg"], (1, classes)),
        "known": editor.operator("CONCATENATION", [inputs["rr"], flat], known, axis=1),
    }
    graph.inputs, graph.outputs = [*inputs.values()], [*outputs.values()]
    model.signatureDefs = [schema.SignatureDefT(inputs=maps(inputs), outputs=maps(outputs), signatureKey=b"serve")]
    return described(flatbuffer.write(model))


def maps(named):
    return [schema.TensorMapT(name=name.encode(), tensorIndex=tensor) for name, tensor in named.items()]


def described(data: bytes, **about) -> bytes:
    """`data` with the metadata that say what its inputs and outputs are called."""
    inputs, outputs = describe_tensors(data)
    return flatbuffer.set_metadata(data, ModelMetadata(fs=100.0, inputs=inputs, outputs=outputs, **about))


def keeper(data: bytes, kernels="reference") -> HistoryModel:
    return HistoryModel(TFLiteModel(data, kernels=kernels))


def told(probabilities, rr=0.0):
    """An example for a step of `repeating`."""
    return {"ecg": np.array([probabilities], np.float32), "rr": np.array([rr], np.float32)}
