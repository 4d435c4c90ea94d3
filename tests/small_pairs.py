"""A small beat classifier and a small model that takes the features of its beats, for tests: nothing is trained."""

import functools

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from histories import maps
from small_models import altered

from ecg_edge.training.config import SignalConfig
from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.signature import describe_tensors
from firmware_bench.runtime.metadata import (
    EmbedderMetadata,
    ModelMetadata,
    ReferenceMetadata,
    TaskMetadata,
    WindowMetadata,
)
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest, read_metadata

FS, LEADS = 64.0, ("II", "V1")  # Hz
WINDOW_S = 10
BEATS, FEATURES = 8, 6  # of a window


def make_pair(scaled=True, labels="own", relative=False, **settings) -> tuple[bytes, bytes]:
    """Return the files of both models.

    Args:
        scaled: Whether windows of beats are scaled as a whole.
        labels: "own" where the classifier is given the classes of the beats before, otherwise "none".
        relative: Whether it is given beats relative to the patient's own.
        **settings: Of `signal`.
    """
    steps = SignalConfig(fs=FS, mode="causal", **settings).steps()
    common = {"preprocessing": steps, "window_preprocessing": [{"step": "zscore"}] if scaled else []}
    told = "true" if labels == "own" else "none"
    options = {"labels": told, "relative": relative}
    beats = altered(_make_classifier(relative), **common, task={"name": "beats", **options})
    named = {"file": "beats.tflite", "digest": read_metadata(beats).digest}
    return altered(_make_rhythm(), **common, embedder=named), beats


@functools.cache
def _make_classifier(relative=False) -> bytes:
    """A convolution over the window, and dense layers over what it makes, the RR intervals and the labels before, and
    the distances from the patient's own beat."""
    file = _Builder(seed=4)
    inputs = {
        "ecg": file.tensor((1, 48, len(LEADS)), scale=0.04, zero_point=3),
        "rr": file.tensor((1, 5), scale=1 / 80, zero_point=-128),
        "labels": file.tensor((1, 5, 3), scale=1 / 200, zero_point=-100),
    }
    lines = file.reshape(inputs["ecg"], (1, 1, 48, len(LEADS)))
    options = schema.Conv2DOptionsT(padding=schema.Padding.SAME, strideW=2, strideH=1)
    kernel, bias = file.weights((4, 1, 5, len(LEADS)), 0.003), file.biases(4)
    x = file.operator("CONV_2D", [lines, kernel, bias], file.tensor((1, 1, 24, 4), scale=0.04), options=options)
    flat = [file.reshape(x, (1, 96)), inputs["rr"], file.reshape(inputs["labels"], (1, 15))]
    if relative:
        inputs["own"] = file.tensor((1, 1 + len(LEADS)), scale=1 / 90, zero_point=-128)
        flat.append(inputs["own"])
    fused = file.join(flat, (0.001, 0.01, 0.01, 0.01)[: len(flat)], FEATURES)
    return file.describe(
        inputs,
        {"fused": fused, "probabilities": file.classify(fused, 3)},
        labels=("N", "S", "V"),
        task=TaskMetadata("beats"),
    )


@functools.cache
def _make_rhythm() -> bytes:
    """Dense layers over the features, the RR intervals and the weights."""
    file, samples = _Builder(seed=7), round(WINDOW_S * FS)
    inputs = {
        "features": file.tensor((1, BEATS, FEATURES), scale=0.01, zero_point=5),
        "rr": file.tensor((1, BEATS, 1), scale=1 / 70, zero_point=-128),
        "weights": file.tensor((1, BEATS), scale=1 / 255, zero_point=-128),
    }
    flat = (
        file.reshape(inputs["features"], (1, BEATS * FEATURES)),
        file.reshape(inputs["rr"], (1, BEATS)),
        inputs["weights"],
    )
    return file.describe(
        inputs,
        {"probabilities": file.classify(file.join(flat, (0.004, 0.008, 0.01), 12), 2)},
        labels=("NSR", "AFIB"),
        task=TaskMetadata("beat_rhythm", {"labels": "own"}),
        window=WindowMetadata(samples, samples),
        embedder=EmbedderMetadata("beats.tflite", "a" * 64),
        decision={"temperature": 0.7},
    )


class _Builder(Editor):
    """A file that is made layer by layer, with drawn weights."""

    def __init__(self, seed):
        super().__init__(Editor.new_model())
        self._random = np.random.default_rng(seed)

    def weights(self, shape, scale):
        return self.constant(self._random.integers(-127, 128, shape).astype(np.int8), scale)

    def biases(self, count):
        return self.constant(np.zeros(count, np.int32), 1e-4)

    def dense(self, x, units, weight_scale, scale):
        kernel = self.weights((units, self.shape(x)[-1]), weight_scale)
        options = schema.FullyConnectedOptionsT()
        out = self.tensor((1, units), scale=scale)
        return self.operator("FULLY_CONNECTED", [x, kernel, self.biases(units)], out, options=options)

    def join(self, values, weight_scales, units):
        """The hyperbolic tangent of the sum of a dense layer over each of the values."""
        total, *others = (self.dense(x, units, scale, 0.03) for x, scale in zip(values, weight_scales, strict=True))
        for other in others:
            total = self.operator("ADD", [total, other], self.tensor((1, units), scale=0.03))
        return self.operator("TANH", [total], self.tensor((1, units), scale=1 / 128))

    def classify(self, x, classes):
        total = self.dense(x, classes, 0.01, 0.05)
        out = self.tensor((1, classes), scale=1 / 256, zero_point=-128)
        return self.operator("SOFTMAX", [total], out, options=schema.SoftmaxOptionsT(beta=1.0))

    def describe(self, inputs, outputs, **about) -> bytes:
        """The file with the metadata of an export."""
        self.graph.inputs, self.graph.outputs = [*inputs.values()], [*outputs.values()]
        signature = schema.SignatureDefT(inputs=maps(inputs), outputs=maps(outputs), signatureKey=b"serve")
        self.model.signatureDefs = [signature]
        data = flatbuffer.write(self.model)
        tensors = dict(zip(("inputs", "outputs"), describe_tensors(data), strict=True))
        reference = ReferenceMetadata(seed=1, vectors=4)
        metadata = ModelMetadata(**tensors, **about, fs=FS, leads=LEADS, reference=reference, digest=DIGEST_PLACEHOLDER)
        return insert_digest(flatbuffer.set_metadata(data, metadata))
