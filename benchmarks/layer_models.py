"""Small models of one layer each, for benchmarks/layers.py: what the export makes of every layer that people use."""

from collections.abc import Callable
from typing import Any

SAMPLES, CHANNELS, WIDTH = 16, 2, 6


def build_models() -> dict[str, Callable]:
    """Return name → function that builds the model: a signal, a convolution of WIDTH channels, and the layer."""
    import keras

    from models_keras.layers.activations import gelu
    from models_keras.layers.lstm import ClippedLSTM
    from models_keras.layers.multi_head_attention import MultiHeadAttention
    from models_keras.layers.normalisation import LayerNorm
    from models_keras.layers.positions import SinusoidalPositions
    from models_keras.layers.selective_ssm import SelectiveSSM

    ops: Any = keras.ops
    layers: Any = keras.layers  # whose type hints know one form of many arguments

    def both(layer: Callable) -> Callable:
        """Of two branches."""
        return lambda x: layer([x, layers.Conv1D(WIDTH, 3, padding="same")(x)])

    def grid(layer: Callable) -> Callable:
        """Of an image (4, 4, WIDTH)."""
        return lambda x: layer(layers.Reshape((4, 4, WIDTH))(x))

    def flat(layer: Callable) -> Callable:
        """Of one vector."""
        return lambda x: layer(layers.GlobalAveragePooling1D()(x))

    def activation(name: str) -> Callable:
        return layers.Activation(name)

    same: dict[str, Any] = {"padding": "same"}
    found: dict[str, Callable] = {
        "Conv1D": layers.Conv1D(5, 3, **same),
        "Conv1D, padding causal": layers.Conv1D(5, 3, padding="causal"),
        "Conv1D, padding valid": layers.Conv1D(5, 3),
        "Conv1D, strides": layers.Conv1D(5, 4, strides=2, **same),
        "Conv1D, dilation_rate": layers.Conv1D(5, 3, dilation_rate=2, **same),
        "Conv1D, causal, dilation_rate": layers.Conv1D(5, 3, dilation_rate=4, padding="causal"),
        "Conv1D, groups": layers.Conv1D(6, 3, groups=2, **same),
        "Conv1D, groups, strides": layers.Conv1D(9, 5, groups=3, strides=2, **same),
        "Conv1DTranspose": layers.Conv1DTranspose(5, 4, strides=2, **same),
        "DepthwiseConv1D": layers.DepthwiseConv1D(3, **same),
        "DepthwiseConv1D, depth_multiplier": layers.DepthwiseConv1D(3, depth_multiplier=2, **same),
        "DepthwiseConv1D, strides": layers.DepthwiseConv1D(5, strides=2, **same),
        "DepthwiseConv1D, dilation_rate": layers.DepthwiseConv1D(3, dilation_rate=2, **same),
        "SeparableConv1D": layers.SeparableConv1D(5, 3, **same),
        "Conv2D": grid(layers.Conv2D(5, 3, **same)),
        "Conv2D, strides": grid(layers.Conv2D(5, (3, 2), strides=2, **same)),
        "Conv2D, dilation_rate": grid(layers.Conv2D(5, (3, 2), dilation_rate=2, **same)),
        "Conv2D, groups": grid(layers.Conv2D(6, 3, groups=2, **same)),
        "Conv2DTranspose": grid(layers.Conv2DTranspose(5, 3, strides=2, **same)),
        "DepthwiseConv2D": grid(layers.DepthwiseConv2D(3, **same)),
        "SeparableConv2D": grid(layers.SeparableConv2D(5, 3, **same)),
        "Dense": layers.Dense(5),
        "Dense, of a vector": flat(layers.Dense(5)),
        "TimeDistributed": layers.TimeDistributed(layers.Dense(5)),
        "TimeDistributed, of Conv1D": lambda x: layers.TimeDistributed(layers.Conv1D(5, 3, **same))(
            layers.Reshape((2, 8, WIDTH))(x)
        ),
        "LSTM": layers.LSTM(5, return_sequences=True),
        "LSTM, last output": layers.LSTM(5),
        "LSTM, go_backwards": layers.LSTM(5, go_backwards=True, return_sequences=True),
        "ClippedLSTM": ClippedLSTM(5, return_sequences=True),
        "Bidirectional, of LSTM": layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
        "Bidirectional, of ClippedLSTM": layers.Bidirectional(ClippedLSTM(5, return_sequences=True)),
        "GRU": layers.GRU(5, return_sequences=True),
        "GRU, last output": layers.GRU(5),
        "GRU, reset_after=False": layers.GRU(5, reset_after=False, return_sequences=True),
        "Bidirectional, of GRU": layers.Bidirectional(layers.GRU(5, return_sequences=True)),
        "SimpleRNN": layers.SimpleRNN(5, return_sequences=True),
        "ReLU": layers.ReLU(),
        "ReLU, max_value=6": layers.ReLU(max_value=6),
        "LeakyReLU": layers.LeakyReLU(0.1),
        "PReLU": layers.PReLU(alpha_initializer=keras.initializers.RandomUniform(0.1, 0.4), shared_axes=[1]),
        "PReLU, shared over all": layers.PReLU(alpha_initializer=keras.initializers.Constant(0.2), shared_axes=[1, 2]),
        "ELU": layers.ELU(),
        "Activation, elu": activation("elu"),
        "Activation, selu": activation("selu"),
        "Activation, gelu": activation("gelu"),
        "Activation, gelu of models_keras": layers.Activation(gelu),
        "Activation, silu": activation("silu"),
        "Activation, hard_silu": activation("hard_silu"),
        "Activation, hard_sigmoid": activation("hard_sigmoid"),
        "Activation, relu6": activation("relu6"),
        "Activation, sigmoid": activation("sigmoid"),
        "Activation, tanh": activation("tanh"),
        "Activation, softplus": activation("softplus"),
        "Activation, softsign": activation("softsign"),
        "Activation, exponential": activation("exponential"),
        "Activation, mish": activation("mish"),
        "Softmax": layers.Softmax(),
        "BatchNormalization": layers.BatchNormalization(),
        "LayerNorm": LayerNorm(),
        "LayerNormalization": layers.LayerNormalization(),
        "LayerNormalization, over two axes": layers.LayerNormalization(axis=[1, 2]),
        "GroupNormalization": layers.GroupNormalization(3),
        "RMSNormalization": layers.RMSNormalization(),
        "UnitNormalization": layers.UnitNormalization(),
        "MaxPooling1D": layers.MaxPooling1D(2),
        "MaxPooling1D, overlapping": layers.MaxPooling1D(3, 2, **same),
        "AveragePooling1D": layers.AveragePooling1D(2),
        "AveragePooling1D, overlapping": layers.AveragePooling1D(3, 2, **same),
        "GlobalMaxPooling1D": layers.GlobalMaxPooling1D(),
        "GlobalAveragePooling1D": layers.GlobalAveragePooling1D(),
        "MaxPooling2D": grid(layers.MaxPooling2D(2)),
        "AveragePooling2D": grid(layers.AveragePooling2D(2)),
        "GlobalMaxPooling2D": grid(layers.GlobalMaxPooling2D()),
        "GlobalAveragePooling2D": grid(layers.GlobalAveragePooling2D()),
        "Add": both(layers.Add()),
        "Subtract": both(layers.Subtract()),
        "Multiply": both(layers.Multiply()),
        "Average": both(layers.Average()),
        "Maximum": both(layers.Maximum()),
        "Minimum": both(layers.Minimum()),
        "Concatenate": both(layers.Concatenate()),
        "Dot": both(layers.Dot(axes=2)),
        "Reshape": layers.Reshape((8, 12)),
        "Flatten": layers.Flatten(),
        "Permute": layers.Permute((2, 1)),
        "RepeatVector": flat(layers.RepeatVector(4)),
        "Cropping1D": layers.Cropping1D(2),
        "ZeroPadding1D": layers.ZeroPadding1D(2),
        "UpSampling1D": layers.UpSampling1D(2),
        "UpSampling2D": grid(layers.UpSampling2D(2)),
        "Identity": layers.Identity(),
        "Dropout": layers.Dropout(0.1),
        "SpatialDropout1D": layers.SpatialDropout1D(0.1),
        "GaussianNoise": layers.GaussianNoise(0.1),
        "Rescaling": layers.Rescaling(0.5, 0.1),
        "MultiHeadAttention": lambda x: layers.MultiHeadAttention(2, 4)(x, x),
        "MultiHeadAttention of models_keras": lambda x: MultiHeadAttention(2, WIDTH)(x, x),
        "SinusoidalPositions": SinusoidalPositions(),
        "SelectiveSSM": SelectiveSSM(4, 2),
        "squared difference": both(lambda xs: ops.square(xs[0] - xs[1])),
        "stack": both(lambda xs: ops.stack(xs, axis=2)),
        "unstack": lambda x: ops.add(*ops.unstack(ops.reshape(x, (-1, 8, 2, WIDTH)), 2, 2)),
        "max": lambda x: ops.max(x, axis=-1, keepdims=True),
        "split": lambda x: ops.multiply(*ops.split(x, 2, axis=-1)),
    }

    def builder(layer):
        def build():
            keras.utils.set_random_seed(0)
            ecg = keras.Input((SAMPLES, CHANNELS), name="ecg")
            x = layers.Conv1D(WIDTH, 3, padding="same", name="stem")(ecg)
            return keras.Model(ecg, layer(x))

        return build

    return {name: builder(layer) for name, layer in found.items()}
