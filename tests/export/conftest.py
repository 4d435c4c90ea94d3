"""A small recogniser of pulse trains with the large model's parts, trained once, and its calibrated float graph."""

import dataclasses

import numpy as np
import pytest

SAMPLES, LEADS = 512, 2


def pulse_trains(count, seed, artefacts=0.0):
    """(count, SAMPLES, LEADS) float32 and three classes: slow, fast, and fast with wide pulses. A share `artefacts`
    of the windows carries a spike about a hundred times as high as a pulse."""
    random = np.random.default_rng(seed)
    targets = random.integers(3, size=count)
    time = np.arange(SAMPLES)
    windows = random.normal(scale=0.1, size=(count, SAMPLES, LEADS))
    for window, target in zip(windows, targets, strict=True):
        period, width = [(90, 3.0), (45, 3.0), (45, 8.0)][target]
        for place in range(random.integers(period), SAMPLES, period):
            window += (random.uniform(0.8, 1.2) * np.exp(-0.5 * ((time - place) / width) ** 2))[:, None]
        if random.random() < artefacts:
            start = random.integers(SAMPLES - 4)
            window[start : start + 4] += random.choice([-1, 1]) * random.uniform(60, 120)
    return windows.astype(np.float32), targets


@dataclasses.dataclass(frozen=True)
class Recogniser:
    """model: keras.Model; windows, targets: of the calibration; others, other_targets: to compare on."""

    model: object
    windows: np.ndarray
    targets: np.ndarray
    others: np.ndarray
    other_targets: np.ndarray


def build():
    import keras
    from keras import layers

    from models_keras.cnn_att_bilstm import attention_gate
    from models_keras.layers.lstm import ClippedLSTM

    keras.utils.set_random_seed(0)
    ecg = keras.Input((SAMPLES, LEADS), name="ecg")
    x = layers.Conv1D(8, 9, strides=4, padding="same")(ecg)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = attention_gate(layers.MaxPooling1D(2, padding="same")(x))  # (64, 8)
    x = layers.Bidirectional(ClippedLSTM(12, return_sequences=True))(x)
    x = layers.Bidirectional(ClippedLSTM(8, return_sequences=True))(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ecg, layers.Dense(3, activation="softmax", name="probabilities")(x))


@pytest.fixture(scope="session")
def recogniser():
    import keras

    model = build()
    windows, targets = pulse_trains(300, seed=1)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(windows, targets, batch_size=30, epochs=8, verbose=0)
    return Recogniser(model, windows[:60], targets[:60], *pulse_trains(80, seed=2))


@pytest.fixture(scope="session")
def float_graph(recogniser):
    """The recogniser as a float TFLite file after calibration, bytes."""
    from export.convert.convertible_layers import make_convertible
    from export.convert.int8 import convert_calibrated_float

    return convert_calibrated_float(make_convertible(recogniser.model), {"ecg": recogniser.windows})


@pytest.fixture(scope="session")
def limits(recogniser, float_graph):
    """Tensor index → (lowest, highest) value at the 99.99th percentile."""
    from export.quantise.ranges import observe

    observed = observe(float_graph, {"ecg": recogniser.windows})
    return {tensor: values.limits(99.99) for tensor, values in observed.items()}


@pytest.fixture
def edited(float_graph, limits):
    """The float graph as objects, with its tied ranges, ready to be changed and given to `integer`."""
    from export.quantise import ranges
    from export.tflite import flatbuffer

    model = flatbuffer.read(float_graph)
    ranges.set_ranges(model, ranges.tie(model, limits))
    return model


@pytest.fixture(scope="session")
def integer():
    """Calibrated graph as objects → int8 file."""
    from export.convert.int8_target import quantise_for
    from export.targets import MCU

    return lambda calibrated: quantise_for(MCU, calibrated)


@pytest.fixture(scope="session")
def quantised(integer):
    """Float graph, what was observed, percentile → int8 file."""
    from export.quantise import ranges
    from export.tflite import flatbuffer

    def make(graph, observed, percentile):
        model = flatbuffer.read(graph)
        limits = {tensor: values.limits(percentile) for tensor, values in observed.items()}
        ranges.set_ranges(model, ranges.tie(model, limits))
        return integer(model)

    return make


@pytest.fixture(scope="session")
def agreement(recogniser):
    """int8 file → (dB against Keras, share of windows in the same class), LiteRT's reference kernels."""
    from export.verify.sqnr import sqnr_db
    from firmware_bench.runtime.tflite_model import TFLiteModel

    expected = recogniser.model.predict(recogniser.others, verbose=0)

    def measure(data):
        model = TFLiteModel(data, kernels="reference")
        found = np.stack([model.run(window) for window in recogniser.others])
        return sqnr_db(expected, found), np.mean(found.argmax(-1) == expected.argmax(-1))

    return measure


@pytest.fixture(scope="session")
def calibrate():
    """calibrate(model, windows) → the float file's object tree of a Keras model, with the range of every tensor."""
    from export.convert.convertible_layers import make_convertible
    from export.convert.int8 import convert_calibrated_float
    from export.quantise import ranges
    from export.tflite import flatbuffer

    def calibrated(model, windows):
        data = convert_calibrated_float(make_convertible(model), {"ecg": windows})
        observed = ranges.observe(data, {"ecg": windows})
        file = flatbuffer.read(data)
        ranges.set_ranges(file, ranges.tie(file, {tensor: values.limits(100) for tensor, values in observed.items()}))
        return file

    return calibrated
