"""A step as a Keras model in the place of a TFLiteModel, for StreamingModel."""

import keras
import numpy as np

from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.streaming_model import StreamingModel


class KerasStep:
    name = "step"

    def __init__(self, made):
        import tensorflow as tf

        self.metadata, self.function = made.metadata(), tf.function(made.model)
        self.inputs = [Tensor(x.name, tuple(x.shape), "float32", 0.0, 0) for x in made.model.inputs]
        self.outputs = [Tensor(n, tuple(x.shape), "float32", 0.0, 0) for n, x in made.model.output.items()]

    def run_raw(self, arrays):
        named = {tensor.name: keras.ops.convert_to_tensor(a) for tensor, a in zip(self.inputs, arrays, strict=True)}
        outputs = self.function(named)
        return [np.asarray(outputs[tensor.name]) for tensor in self.outputs]


def stream_of(model, integer=False):
    """The float step of a Keras model, ready to be fed."""
    from export.convert.streaming_step import build_step, trim_to_steps

    return StreamingModel(KerasStep(build_step(trim_to_steps(model), integer)))


def shaken(model, seed=0):
    """`model` with weights that nothing is zero, one or alike in: biases, scales and shifts count."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        values = keras.ops.convert_to_numpy(variable)
        factor = random.uniform(0.7, 1.3, values.shape)
        shift = 0.0 if variable.path.endswith("variance") else random.normal(scale=0.1, size=values.shape)
        variable.assign(values * factor + shift)
    return model


def forward_mamba(samples=200, leads=2, **settings):
    """A tiny ECGMamba that runs forwards only and does not tell positions."""
    from models_keras.ecg_mamba import ecg_mamba

    keras.utils.set_random_seed(0)
    sizes = {"width": 16, "states": 4, "blocks": 2, **settings}
    return shaken(ecg_mamba(samples, leads, classes=3, bidirectional=False, positions=False, **sizes))
