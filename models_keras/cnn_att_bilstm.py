"""CNN-Attention-BiLSTM: convolutions for morphology, an attention gate, two bidirectional LSTMs for rhythm.

Source: "A Lightweight CNN-Attention-BiLSTM Architecture for Multi-Class Arrhythmia Classification on Standard and
Wearable ECGs", arXiv 2511.08650, and its ablation (CNN, CNN + attention, CNN + BiLSTM, all three).

Input   ecg            (samples, leads) float32 in mV: 15000 samples are 60 s at 250 Hz, 12 leads or lead I
Output  probabilities  (classes,) float32, softmax; nine classes of CPSC 2018 in the paper

For recordings with several labels (task multilabel) each probability is a sigmoid of its own.

Deviation: the LSTM's cell state is clipped to ±10 (models_keras.layers.lstm), as the integer operator does; the paper's
float model never reaches that.
"""

import keras
from keras import layers, regularizers

from models_keras.layers.lstm import ClippedLSTM
from models_keras.registry import Architecture, Preset, Variant, register

L2 = 0.001


def conv_block(x, filters, kernel, dropout, initializer="glorot_uniform", name=None):
    """Two convolutions, the first of stride 2, and max pooling: (time, c) → (time / 4, filters)."""
    for stride in (2, 1):
        x = layers.Conv1D(
            filters,
            kernel,
            strides=stride,
            padding="same",
            kernel_initializer=initializer,
            kernel_regularizer=regularizers.L2(L2),
        )(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = layers.MaxPooling1D(2, padding="same")(x)
    return layers.Dropout(dropout, name=name)(x)


def attention_gate(x):
    """Multiply each value by a sigmoid gate computed from its time step: (time, c) → (time, c)."""
    gate = layers.Conv1D(
        x.shape[-1], 1, padding="same", activation="sigmoid", kernel_regularizer=regularizers.L2(L2), name="attention"
    )(x)
    return layers.Multiply(name="attention_gate")([x, gate])


def cnn_att_bilstm(
    samples=15000,
    leads=12,
    classes=9,
    filters=(32, 64, 128),
    kernel=15,
    attention=True,
    lstm_units=(128, 64),
    bidirectional=True,
    dense=128,
    dropout=1.0,
    activation="softmax",
    name="cnn_att_bilstm",
):
    """Build the model.

    Args:
        samples: of a window.
        leads: channels.
        classes: of rhythms.
        filters: channels of the three convolution blocks.
        kernel: size of the convolutions.
        attention: with the attention gate; False is an ablation of the paper.
        lstm_units: of each BiLSTM; () is an ablation of the paper.
        bidirectional: False: LSTMs that run forwards alone, for a streaming model.
        dense: units of the hidden dense layer.
        dropout: factor of the paper's dropout rates; narrow models need less.
        activation: of the output; "sigmoid" for any number of labels per window.
        name: of the model.
    """
    ecg = keras.Input((samples, leads), name="ecg")

    x = conv_block(ecg, filters[0], kernel, dropout * 0.2, initializer="he_normal")  # (samples / 4, 32)
    x = conv_block(x, filters[1], kernel, dropout * 0.3)  # (samples / 16, 64)
    x = conv_block(x, filters[2], kernel, dropout * 0.3, name="cnn")  # (samples / 64, 128)
    if attention:
        x = attention_gate(x)
    x = layers.MaxPooling1D(2, padding="same")(x)  # (samples / 128, 128)
    x = layers.Dropout(dropout * 0.4)(x)

    for units in lstm_units:
        lstm = ClippedLSTM(units, return_sequences=True)
        x = (layers.Bidirectional(lstm) if bidirectional else lstm)(x)  # (samples / 128, 2 · units, or units forwards)
    x = layers.Dropout(dropout * 0.3, name="recurrent")(x)

    x = layers.GlobalAveragePooling1D()(x)  # (2 · units,)
    x = layers.Dropout(dropout * 0.5)(x)
    x = layers.Dense(dense, activation="relu", kernel_regularizer=regularizers.L2(L2))(x)
    x = layers.Dropout(dropout * 0.4)(x)
    probabilities = layers.Dense(classes, activation=activation, name="probabilities")(x)
    return keras.Model(ecg, probabilities, name=name)


PARTS = {"CNN": "cnn", "attention": "attention_gate", "BiLSTM": "recurrent", "head": "probabilities"}
STUDIES = {
    "components": (
        Variant("CNN + attention + BiLSTM"),
        Variant("CNN + BiLSTM", arch="cnn_bilstm"),
        Variant("CNN + attention", arch="cnn_att"),
        Variant("CNN", arch="cnn"),
    ),
    "leads": (Variant("12 leads"), Variant("lead I", leads="I")),
}


def register_variant(name, summary, variant, parameters, published):
    """Register the model, or an ablation of it, in its three sizes; variant: arguments that make the ablation."""
    sizes = {
        "paper": {"model": {}, "signal": {}, "training": {}},
        # A 30 s window at 125 Hz and half the width: 8-bit weights well under a megabyte of flash.
        "edge": {
            "model": {"filters": (16, 32, 64), "lstm_units": (64, 32), "dense": 64, "dropout": 0.5},
            "signal": {"fs": 125.0, "window_s": 30.0, "mode": "causal"},
            "training": {},
        },
        "tiny": {
            "model": {"filters": (8, 16, 32), "kernel": 7, "lstm_units": (16, 8), "dense": 32, "dropout": 0.2},
            "signal": {"fs": 100.0, "window_s": 10.0, "mode": "causal"},
            "training": {"epochs": 40, "batch": 16, "learning_rate": 3e-3},
        },
    }
    register(
        Architecture(
            name=name,
            summary=summary,
            paper="arXiv 2511.08650",
            task="rhythm",
            other_tasks={"multilabel": {"activation": "sigmoid"}},
            build=cnn_att_bilstm,
            classes=9,
            presets={
                size: Preset(
                    model={**settings["model"], **variant, "name": name},
                    signal=settings["signal"],
                    training=settings["training"],
                    parameters=parameters[size],
                )
                for size, settings in sizes.items()
            },
            published=published,
            studies=STUDIES if name == "cnn_att_bilstm" else {},
            parts=PARTS if name == "cnn_att_bilstm" else {},
        )
    )


register_variant(
    "cnn_att_bilstm",
    "convolutions, attention gate and two BiLSTMs",
    variant={},
    parameters={"paper": {12: 944_969, 1: 939_689}, "edge": {12: 238_761, 1: 236_121}, "tiny": {12: 25_689, 1: 25_073}},
    published={
        "CPSC 2018 macro F1, 12 leads": 0.86,
        "CPSC 2018 macro F1, lead I": 0.78,
        "float TFLite MB": 3.66,
        "Raspberry Pi ms": 174.0,
    },
)
register_variant(
    "cnn",
    "ablation: convolutions only",
    variant={"attention": False, "lstm_units": ()},
    parameters={"paper": {12: 500_937, 1: 495_657}, "edge": {12: 127_337, 1: 124_697}, "tiny": {12: 16_249, 1: 15_633}},
    published={"CPSC 2018 macro F1, 12 leads": 0.81},
)
register_variant(
    "cnn_att",
    "ablation: convolutions and attention gate",
    variant={"lstm_units": ()},
    parameters={"paper": {12: 517_449, 1: 512_169}, "edge": {12: 131_497, 1: 128_857}, "tiny": {12: 17_305, 1: 16_689}},
    published={"CPSC 2018 macro F1, 12 leads": 0.84},
)
register_variant(
    "cnn_bilstm",
    "ablation: convolutions and two BiLSTMs",
    variant={"attention": False},
    parameters={"paper": {12: 928_457, 1: 923_177}, "edge": {12: 234_601, 1: 231_961}, "tiny": {12: 24_633, 1: 24_017}},
    published={"CPSC 2018 macro F1, 12 leads": 0.85},
)
