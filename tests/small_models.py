"""Small .tflite files with the metadata of an export, for tests: a convolution net and one with an LSTM."""

import dataclasses
import functools
import json

import numpy as np

from export.tflite import flatbuffer
from export.tflite.flatbuffer import set_metadata
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, TaskMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
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

    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert
    from models_keras.layers.lstm import ClippedLSTM

    keras.utils.set_random_seed(3)
    ecg = keras.Input((32, len(LEADS)), name="ecg")
    x = keras.layers.GlobalAveragePooling1D()(ClippedLSTM(8, return_sequences=True)(ecg))
    probabilities = keras.layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x)
    model = sharpened(keras.Model(ecg, probabilities), 30)
    noise = np.random.default_rng(0).normal(size=(20, 32, len(LEADS)))
    return described(convert(model, ExportWindows({"ecg": noise}, {"ecg": noise})).data, 32, LEADS)


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

    metadata = ModelMetadata(
        architecture="small",
        preset="tiny",
        task=TaskMetadata("rhythm"),
        labels=LABELS,
        fs=100.0,
        leads=tuple(leads),
        window=WindowMetadata(samples, samples),
        preprocessing=tuple(STEPS),
        inputs=tuple(dataclasses.replace(tensor, name="ecg") for tensor in model.inputs),
        outputs=tuple(dataclasses.replace(tensor, name=output) for tensor in model.outputs),
        versions={"ai-edge-litert": "2.3.0"},
        reference=ReferenceMetadata(seed=1, vectors=4),
    )
    unsealed = set_metadata(data, metadata)
    outputs = {
        kernels: tuple(compute_reference_outputs(TFLiteModel(unsealed, kernels=kernels)))
        for kernels in ("reference", "optimised")
    }
    reference = ReferenceMetadata(seed=1, vectors=4, outputs=outputs)
    metadata = dataclasses.replace(metadata, digest=DIGEST_PLACEHOLDER, reference=reference)
    return insert_digest(set_metadata(data, metadata))


def read_json_metadata(data: bytes) -> dict:
    """The metadata of `data` as JSON has them, unchecked."""
    model = flatbuffer.read(data)
    (entry,) = (entry for entry in model.metadata if entry.name == b"ecg_edge")
    return json.loads(bytes(model.buffers[entry.buffer].data))


def set_json_metadata(data: bytes, value) -> bytes:
    """`data` with metadata that nothing checks."""
    return flatbuffer.set_metadata_payload(data, json.dumps(value).encode())


def altered(data: bytes, **changes) -> bytes:
    """`data` with keys of its metadata replaced."""
    return insert_digest(set_json_metadata(data, {**read_json_metadata(data), "digest": DIGEST_PLACEHOLDER, **changes}))


def causal(data: bytes, fs: float = 100.0, **settings) -> bytes:
    """`data` with metadata that state causal preprocessing, `settings` of `signal`."""
    from ecg_edge.training.config import SignalConfig

    steps = SignalConfig(fs=fs, mode="causal", **settings).steps()
    return altered(data, preprocessing=steps, window_preprocessing=[])
