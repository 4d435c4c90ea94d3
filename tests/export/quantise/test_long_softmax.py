"""int16 softmax for rows of 256 keys and more."""

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from keras import ops

from export.convert.conversion_job import ExportWindows
from export.convert.int8_target import describe_parts, quantise_for
from export.convert.strategies import convert
from export.quantise import long_softmax
from export.targets import MCU
from export.tflite import editor, flatbuffer
from export.verify.runtimes import check_outputs, check_tensors
from export.verify.sqnr import sqnr_db
from firmware_bench.mcu import tflm
from firmware_bench.runtime.quantisation import quantise
from models_keras.layers.multi_head_attention import MultiHeadAttention

SAMPLES = 300
WINDOWS = np.random.default_rng(0).normal(scale=0.5, size=(12, SAMPLES, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """Attention of all samples to all, its average, and its weights themselves."""
    keras.utils.set_random_seed(0)
    ecg = keras.Input((SAMPLES, 4), name="ecg")
    mixed, weights = MultiHeadAttention(2, 4, return_weights=True)(ecg, ecg)
    first = ops.reshape(weights[:, 0, 0], (-1, SAMPLES))
    return keras.Model(ecg, {"mixed": mixed, "average": ops.mean(weights, axis=(1, 2)), "first": first})


@pytest.fixture(scope="module")
def calibrated(model, calibrate):
    return calibrate(model, WINDOWS)


class Integers:
    """`data` in LiteRT's reference kernels."""

    def __init__(self, data):
        self.interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        self.interpreter.allocate_tensors()
        runner = self.interpreter.get_signature_runner()
        (self.input,) = runner.get_input_details().values()
        self.outputs = runner.get_output_details()

    def quantised(self, window):
        return quantise(window[None], *self.input["quantization"], "int8")

    def raw(self, window):
        self.interpreter.set_tensor(self.input["index"], self.quantised(window))
        self.interpreter.invoke()
        return {name: self.interpreter.get_tensor(detail["index"]) for name, detail in self.outputs.items()}

    def answers(self, windows):
        """By name, (n, …) float32."""
        rows = [self.raw(window) for window in windows]
        found = {}
        for name, detail in self.outputs.items():
            scale, zero_point = detail["quantization"]
            found[name] = scale * (np.concatenate([row[name] for row in rows]).astype(np.float32) - zero_point)
        return found


def agreement(model, answers):
    expected = model.predict(WINDOWS, verbose=0)
    return {name: sqnr_db(expected[name], answers[name]) for name in ("mixed", "average")}


def test_long_attention_agrees_with_keras_in_16_bits_and_not_in_8(model, calibrated, monkeypatch):
    assert min(agreement(model, Integers(quantise_for(MCU, calibrated)).answers(WINDOWS)).values()) > 25
    monkeypatch.setattr(long_softmax, "LONG_ROW", SAMPLES + 1)
    assert max(agreement(model, Integers(quantise_for(MCU, calibrated)).answers(WINDOWS)).values()) < 20


def test_only_the_softmax_and_its_readers_have_16_bits(calibrated):
    file = flatbuffer.read(quantise_for(MCU, calibrated))
    (graph,) = file.subgraphs
    ends = {flatbuffer.type_name(graph.tensors[n]) for n in (*graph.inputs, *graph.outputs)}
    wide = [
        name
        for name, operator, _ in flatbuffer.operators(file)
        if name != "QUANTIZE" and flatbuffer.type_name(graph.tensors[operator.outputs[0]]) == "INT16"
    ]
    assert ends == {"INT8"}
    assert sorted(wide) == ["BATCH_MATMUL", "MEAN", "SOFTMAX"]
    assert describe_parts(calibrated, MCU)["SOFTMAX of 256 and more, with its products"] == "int16 activations"


def test_tensorflow_lite_micro_agrees(calibrated):
    data = quantise_for(MCU, calibrated)
    integers = Integers(data)
    windows = [[integers.quantised(window)] for window in WINDOWS[:2]]
    assert check_tensors(data, windows).passed
    (graph,) = flatbuffer.read(data).subgraphs
    zero_points = [flatbuffer.scale_and_zero_point(graph.tensors[n])[1] for n in graph.outputs]
    details = integers.interpreter.get_output_details()
    litert = []
    for window in WINDOWS[:2]:
        integers.raw(window)
        litert.append([integers.interpreter.get_tensor(detail["index"]) for detail in details])
    check = check_outputs(data, litert, tflm.run_windows(data, windows), zero_points)
    assert check.passed, check.measured


def test_shorter_attention_stays_in_8_bits():
    assert widened(255) == 0
    assert widened(256) == 1


def widened(entries):
    """Of a file with a softmax over so many, how many have 16 bits."""
    model = one_softmax((1, entries), schema.TensorType.INT8)
    data = long_softmax.widen_long_softmax(flatbuffer.write(model))
    return sum(
        flatbuffer.type_name(graph.tensors[operator.outputs[0]]) == "INT16"
        for name, operator, graph in flatbuffer.operators(flatbuffer.read(data))
        if name == "SOFTMAX"
    )


def one_softmax(shape, kind):
    model = editor.Editor.new_model()
    made = editor.Editor(model)
    if kind == schema.TensorType.INT16:
        x, y = made.tensor(shape, np.int16, 10 / 65535), made.tensor(shape, np.int16, long_softmax.INT16_SCALE)
    else:
        x, y = made.tensor(shape, scale=0.1), made.tensor(shape, scale=1 / 256, zero_point=-128)
    made.operator("SOFTMAX", [x], y, beta=1.0)
    made.graph.inputs, made.graph.outputs = [x], [y]
    return model


def test_the_runtimes_differ_in_62_of_65536_softmaxes_of_two_by_one_step():
    """Once they do not, export.verify.runtimes may ask for equal bytes behind a 16-bit softmax too."""
    model = one_softmax((1, 32768, 2), schema.TensorType.INT16)
    data = flatbuffer.write(model)
    litert = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    litert.allocate_tensors()
    differing, steps = 0, 0
    for largest, differences in ((0, np.arange(32768)), (32767, np.arange(32768, 65536))):
        scores = np.stack([np.full(32768, largest), largest - differences], -1)[None].astype(np.int16)
        litert.set_tensor(litert.get_input_details()[0]["index"], scores)
        litert.invoke()
        ours = litert.get_tensor(litert.get_output_details()[0]["index"]).astype(int)
        ((theirs,),) = tflm.run_windows(data, [[scores]])
        differing += int(np.sum((ours != theirs).any(-1)))
        steps = max(steps, int(np.abs(ours - theirs).max()))
    assert (differing, steps) == (62, 1)


@pytest.mark.slow
def test_quantisation_aware_training_and_layer_errors_leave_16_bits_unrounded(model):
    made = convert(model, ExportWindows({"ecg": WINDOWS}, {"ecg": WINDOWS}))
    found = Integers(made.data).answers(WINDOWS)
    assert min(agreement(model, made.checked).values()) > 25
    assert min(sqnr_db(found[name], made.checked[name]) for name in found) > 25
