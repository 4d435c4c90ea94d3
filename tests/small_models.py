"""Small .tflite files with the metadata of an export, for tests: a convolution net and one with an LSTM."""

import functools

import numpy as np

from export.tflite.flatbuffer import set_metadata
from firmware_bench.runtime.metadata import DIGEST_PLACEHOLDER, insert_digest, read_metadata
from firmware_bench.runtime.reference_vector import compute_reference_outputs
from firmware_bench.runtime.tflite_model import TFLiteModel

STEPS = [{"step": "fill_gaps"}, {"step": "resample", "fs": 100}, {"step": "highpass", "cutoff": 0.5, "order": 2}]
SAMPLES, LEADS, LABELS = 256, ("I", "II"), ("N", "A", "O")


@functools.cache
def convolutional(samples=SAMPLES, leads=LEADS, integer=True) -> bytes:
    """Two convolutions and a dense layer over (samples, leads)."""
    import keras

    keras.utils.set_random_seed(3)
    ecg = keras.Input((samples, len(leads)), name="ecg")
    x = keras.layers.Conv1D(8, 9, strides=4, activation="relu", padding="same")(ecg)
    x = keras.layers.Conv1D(8, 9, strides=4, activation="relu", padding="same")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    probabilities = keras.layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x)
    model = sharpened(keras.Model(ecg, probabilities), 4)
    return described(converted(model, (samples, len(leads)), integer), samples, leads)


@functools.cache
def recurrent() -> bytes:
    """An LSTM, whose state is a variable of the graph, before the dense layer."""
    import keras

    from export.convert.converter_process import Windows, convert
    from models_keras.layers.lstm import LSTM

    keras.utils.set_random_seed(3)
    ecg = keras.Input((32, len(LEADS)), name="ecg")
    x = keras.layers.GlobalAveragePooling1D()(LSTM(8, return_sequences=True)(ecg))
    probabilities = keras.layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x)
    model = sharpened(keras.Model(ecg, probabilities), 30)
    noise = np.random.default_rng(0).normal(size=(20, 32, len(LEADS)))
    return described(convert(model, Windows({"ecg": noise}, {"ecg": noise})).data, 32, LEADS)


@functools.cache
def reconstructing() -> bytes:
    """Half of what it is given."""
    import keras

    keras.utils.set_random_seed(3)
    ecg = keras.Input((SAMPLES, len(LEADS)), name="ecg")
    half = keras.layers.Conv1D(len(LEADS), 1, use_bias=False, name="reconstruction")
    model = keras.Model(ecg, half(ecg))
    half.set_weights([0.5 * np.eye(len(LEADS))[None]])
    return described(converted(model, (SAMPLES, len(LEADS))), SAMPLES, LEADS, "reconstruction")


def sharpened(model, factor):
    """The untrained last layer's weights times `factor`: probabilities that differ from input to input."""
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([factor * kernel, bias])
    return model


def converted(model, shape, integer=True) -> bytes:
    """The Keras model as a TensorFlow Lite file, calibrated on noise."""
    import tensorflow as tf

    noise = np.random.default_rng(0)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if integer:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [noise.normal(size=(1, *shape)).astype(np.float32)] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def described(data: bytes, samples, leads, output="probabilities") -> bytes:
    """`data` with metadata that hold its reference vector; `output`: the name of its output."""
    model = TFLiteModel(data)

    def tensors(tensors, name):
        return [
            {"name": name, "shape": list(t.shape), "dtype": t.dtype, "scale": t.scale, "zero_point": t.zero_point}
            for t in tensors
        ]

    metadata = {
        "format": 1,
        "architecture": "small",
        "preset": "tiny",
        "task": {"name": "rhythm"},
        "decision": {},
        "labels": list(LABELS),
        "fs": 100.0,
        "leads": list(leads),
        "window": {"samples": samples, "stride": samples},
        "preprocessing": STEPS,
        "window_preprocessing": [],
        "inputs": tensors(model.inputs, "ecg"),
        "outputs": tensors(model.outputs, output),
        "digest": DIGEST_PLACEHOLDER,
        "versions": {"ai-edge-litert": "2.3.0"},
        "reference": {"seed": 1, "vectors": 4},
    }
    unsealed = set_metadata(data, "ecg_edge", {**metadata, "digest": ""})
    metadata["reference"]["outputs"] = {
        kernels: compute_reference_outputs(TFLiteModel(unsealed, kernels=kernels))
        for kernels in ("reference", "optimised")
    }
    return insert_digest(set_metadata(data, "ecg_edge", metadata))


def altered(data: bytes, **changes) -> bytes:
    """`data` with keys of its metadata replaced."""
    return insert_digest(
        set_metadata(data, "ecg_edge", {**read_metadata(data), "digest": DIGEST_PLACEHOLDER, **changes})
    )
