"""ECGMamba: convolutions for morphology, then bidirectional selective state spaces.

Source: "ECGMamba: Towards Efficient ECG Classification with BiSSM", arXiv 2406.10098, and its ablations: 1, 4 or 8
blocks, forwards only, without encoder, without normalisation, without feed-forward.

Input   ecg            (samples, leads) float32, each lead of the recording z-scored: 1000 samples are 10 s at 100 Hz
Output  probabilities  (classes,) float32, sigmoid, several may be high; the five superclasses of PTB-XL in the paper

Where the paper leaves sizes open, this is Mamba's usual small setting (d_model 64, expansion 2, d_state 16); the
encoder has three convolutions and downsamples by 4; dropout 0.1 after every branch.
Deviations: the state space is discretised with sigmoids (models_keras.layers.selective_ssm). Batch norm precedes each
residual sum: it folds into the convolution before it and gives layer norm rows of similar scale, which integers need.
"Without normalisation" is without layer norm; without either, eight blocks overflow at initialisation, since a block
multiplies its input by itself. No depthwise convolution inside a block: encoder and feed-forward convolve.
"""

import keras
from keras import layers

from models_keras.layers.normalisation import layer_norm
from models_keras.layers.positions import SinusoidalPositions
from models_keras.layers.selective_ssm import SelectiveSSM
from models_keras.registry import Architecture, Preset, Variant, register

PATCH = 4  # samples per step
CHANNELS_PER_RANK = 16  # dt_rank = d_inner / 16, as in Mamba


def batch_norm(x):
    """Batch normalisation with PyTorch's default constants: (time, c) → (time, c)."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def encode(x, width, kernel=7):
    """Convolutions with batch norm: (samples, leads) → (samples / PATCH, width)."""
    for filters, stride in ((width // 2, 2), (width, 2), (width, 1)):
        x = layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(batch_norm(x))
    return x


def patch(x, width):
    """A linear projection of PATCH samples at a time: (samples, leads) → (samples / PATCH, width)."""
    return layers.Conv1D(width, PATCH, strides=PATCH, padding="same")(x)


def add_branch(x, branch, normalisation, dropout):
    """The residual sum of x and branch, each (time, width), then layer norm."""
    x = layers.Add()([x, layers.Dropout(dropout)(batch_norm(branch))])
    return layer_norm(x) if normalisation else x


def state_space(x, inner, states, bidirectional):
    """Gated selective state space of `inner` channels, per direction with its own selection network: (time, width) →
    (time, width)."""
    values = layers.Dense(inner, activation="silu", use_bias=False)(x)  # (time, inner)
    gate = layers.Dense(inner, activation="silu", use_bias=False)(x)
    rank = max(1, inner // CHANNELS_PER_RANK)
    y = SelectiveSSM(states, rank)(values)  # (time, inner)
    if bidirectional:
        y = layers.Add()([y, SelectiveSSM(states, rank, backwards=True)(values)])
    return layers.Conv1D(x.shape[-1], 1, use_bias=False)(layers.Multiply()([y, gate]))


def convolve(x, inner, kernel=3):
    """The feed-forward, two convolutions over time: (time, width) → (time, width)."""
    hidden = layers.Conv1D(inner, kernel, padding="same", activation="relu")(x)
    return layers.Conv1D(x.shape[-1], kernel, padding="same", use_bias=False)(hidden)


def ecg_mamba(
    samples=1000,
    leads=12,
    classes=5,
    width=64,
    expand=2,
    states=16,
    blocks=8,
    bidirectional=True,
    encoder=True,
    normalisation=True,
    feed_forward=True,
    positions=True,
    dropout=0.1,
    name="ecg_mamba",
):
    """Build the model; the arguments from `blocks` to `feed_forward` give the paper's ablations.

    Args:
        samples: of a window.
        leads: channels.
        classes: labels.
        width: d_model.
        expand: d_inner / d_model.
        states: d_state.
        blocks: number of Mamba blocks.
        bidirectional: with a backward branch; a streaming model has none.
        encoder: convolutional; False: a linear projection of patches, for the same sequence length.
        normalisation: layer norm after each residual sum.
        feed_forward: with the convolutional feed-forward.
        positions: sinusoidal position encoding; a streaming model has none, as it has no window.
        dropout: rate.
        name: of the model.
    """
    ecg = keras.Input((samples, leads), name="ecg")

    x = encode(ecg, width) if encoder else patch(ecg, width)
    if positions:
        x = SinusoidalPositions()(x)  # (samples / PATCH, width)
    for _ in range(blocks):
        x = add_branch(x, state_space(x, expand * width, states, bidirectional), normalisation, dropout)
        if feed_forward:
            x = add_branch(x, convolve(x, expand * width), normalisation, dropout)

    x = layers.GlobalAveragePooling1D()(x)  # (width,)
    x = layers.Dropout(dropout)(x)
    probabilities = layers.Dense(classes, activation="sigmoid", name="probabilities")(x)
    return keras.Model(ecg, probabilities, name=name)


SIGNAL = {
    "fs": 100.0,
    "window_s": 10.0,
    "highpass_hz": 0.5,
    "lowpass_hz": 40.0,
    "filter_order": 4,
    "normalise": "record",
}
# What a device can compute sample by sample.
DEVICE_SIGNAL = SIGNAL | {"mode": "causal", "normalise": "running"}
# AdamW is the paper's; warm-up, cosine schedule and gradient clipping are usual for post-norm residual networks.
TRAINING = {
    "epochs": 50,
    "batch": 32,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_epochs": 5,
    "gradient_norm": 1.0,
    "class_weights": "none",
}

STUDIES = {
    "blocks": (
        Variant("8 blocks", {"model.blocks": 8}),
        Variant("4 blocks", {"model.blocks": 4}),
        Variant("1 block", {"model.blocks": 1}),
    ),
    "directions": (Variant("both directions"), Variant("forwards only", {"model.bidirectional": False})),
    "leads": (Variant("all leads"), Variant("lead I", leads="I")),
    "components": (
        Variant("whole"),
        Variant("without encoder", {"model.encoder": False}),
        Variant("without normalisation", {"model.normalisation": False}),
        Variant("without feed-forward", {"model.feed_forward": False}),
    ),
}

register(
    Architecture(
        name="ecg_mamba",
        summary="convolutions and bidirectional selective state spaces",
        paper="arXiv 2406.10098",
        task="multilabel",
        build=ecg_mamba,
        classes=5,
        presets={
            "paper": Preset(model={}, signal=SIGNAL, training=TRAINING, parameters={12: 774_405, 1: 771_941}),
            # A quarter of the state in a quarter of the blocks: a sixteenth of the recurrence's work.
            "edge": Preset(
                model={"width": 32, "states": 8, "blocks": 2},
                signal=DEVICE_SIGNAL,
                training=TRAINING,
                parameters={12: 58_373, 1: 57_141},
            ),
            "tiny": Preset(
                model={"width": 16, "states": 4, "blocks": 1},
                signal=DEVICE_SIGNAL,
                training=TRAINING | {"epochs": 10, "batch": 16, "learning_rate": 3e-3, "warmup_epochs": 1},
                parameters={12: 9_381, 1: 8_765},
            ),
        },
        published={"blocks of the best model": 8},
        studies=STUDIES,
    )
)
