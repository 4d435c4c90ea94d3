"""Files for a Raspberry Pi."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from export.convert.int8_target import describe_parts, quantise_for
from export.convert.weight_only import convert_weights_to_int8
from export.targets import MCU, RPI, TARGETS
from export.tflite import flatbuffer
from export.verify.lint import lint
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.tflite_model import TFLiteModel
from models_keras.layers.selective_ssm import SelectiveSSM

WINDOWS = np.random.default_rng(0).normal(size=(12, 16, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """A transposed convolution with a RELU, attention, a dense layer."""
    keras.utils.set_random_seed(0)
    ecg = keras.Input((16, 4), name="ecg")
    x = layers.Conv1DTranspose(6, 3, strides=2, padding="same", activation="relu")(ecg)
    x = ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1)))), x)
    return keras.Model(ecg, layers.Dense(3)(x))


@pytest.fixture(scope="module")
def calibrated(model, calibrate):
    return calibrate(model, WINDOWS)


def types(data):
    """The kind of each operator → the type of what it gives."""
    named = flatbuffer.operators(flatbuffer.read(data))
    return {name: flatbuffer.type_name(graph.tensors[operator.outputs[0]]) for name, operator, graph in named}


def test_on_a_raspberry_pi_products_of_activations_are_float_and_convolutions_integers(model, calibrated):
    files = {name: quantise_for(target, calibrated) for name, target in TARGETS.items()}
    assert set(types(files["mcu"]).values()) == {"INT8"}
    found = types(files["rpi"])
    assert {found["BATCH_MATMUL"], found["SOFTMAX"]} == {"FLOAT32"}
    assert {found["TRANSPOSE_CONV"], found["CONV_2D"]} == {"INT8"}
    assert all(check.passed for check in lint(files["rpi"], RPI))
    assert describe_parts(calibrated, MCU) == {"all": "int8 activations and weights"}
    others = {"others": "int8 activations and weights"}
    assert describe_parts(calibrated, RPI) == {"BATCH_MATMUL": "float", "SOFTMAX": "float", **others}

    expected = model.predict(WINDOWS, verbose=0)
    answers = {name: np.stack([TFLiteModel(data).run(x) for x in WINDOWS]) for name, data in files.items()}
    assert sqnr_db(expected, answers["rpi"]) > max(30, sqnr_db(expected, answers["mcu"]))


def test_on_a_raspberry_pi_relus_after_transposed_convolutions_are_removed(calibrated):
    assert "RELU" in types(quantise_for(MCU, calibrated)) and "RELU" not in types(quantise_for(RPI, calibrated))


@pytest.mark.slow
def test_a_state_space_has_no_loop_and_weights_of_8_bits():
    keras.utils.set_random_seed(0)
    ecg = keras.Input((16, 4), name="ecg")
    x = SelectiveSSM(states=4)(layers.Conv1D(64, 8, padding="same")(ecg))
    model = keras.Model(ecg, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    data = convert_weights_to_int8(model)
    assert "WHILE" not in types(data) and set(types(data).values()) == {"FLOAT32"}
    assert lint(data, RPI)[0].passed and not lint(_in_float(model), RPI)[0].passed
    file = TFLiteModel(data)
    assert sqnr_db(model.predict(WINDOWS, verbose=0), np.stack([file.run(x) for x in WINDOWS])) > 30


def _in_float(model):
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model).convert()
