"""RhythmResNet1D: a residual network over raw two-lead windows.

Source: "LTAF ECG Rhythm Classifier" model card (rmxjck/ltaf-ecg-rhythm-classifier), trained on the Long-Term AF
Database.

Input   ecg            (samples, leads) float32: 1280 samples are 10 s at 128 Hz, each lead z-scored over its window
Output  probabilities  (classes,) float32, softmax; NSR, AFIB, SBR, AB, SVTA, B in the source

Deviation: strided convolutions use Keras's "same" padding (the source pads k // 2 on both sides), which shifts feature
maps by a sample and needs no separate padding operator.
"""

import keras
from keras import layers

from models_keras.registry import Architecture, Preset, Variant, register

STAGES = 4


def conv_norm(x, filters, kernel, stride=1):
    """Convolution and batch norm with PyTorch's default constants: (time, c) → (time / stride, filters)."""
    x = layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def residual_block(x, filters, kernel, stride, dropout):
    """Two convolutions and a shortcut (He et al., arXiv 1512.03385): (time, c) → (time / stride, filters)."""
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = conv_norm(x, filters, kernel=1, stride=stride)
    x = layers.ReLU()(conv_norm(x, filters, kernel, stride))
    x = layers.Dropout(dropout)(x)
    x = conv_norm(x, filters, kernel)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def rhythm_resnet1d(
    samples=1280, leads=2, classes=6, width=64, blocks=2, kernel=7, dense=128, dropout=0.2, name="rhythm_resnet1d"
):
    """Build the model: stem, four stages that halve time and double the width, global average pooling, dense layers.

    Args:
        samples: of a window.
        leads: channels.
        classes: of rhythms.
        width: channels of the stem and the first stage.
        blocks: residual blocks per stage.
        kernel: size of the convolutions.
        dense: units of the hidden dense layer.
        dropout: rate.
        name: of the model.
    """
    ecg = keras.Input((samples, leads), name="ecg")

    x = layers.ReLU()(conv_norm(ecg, width, kernel=15, stride=2))  # (samples / 2, width)
    x = layers.MaxPooling1D(2)(x)  # (samples / 4, width)
    for stage in range(STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = residual_block(x, width * 2**stage, kernel, stride, dropout)  # (samples / 4 / 2^stage, 2^stage · width)

    x = layers.GlobalAveragePooling1D()(x)  # (8 · width,)
    x = layers.Dense(dense, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(ecg, probabilities, name=name)


SIGNAL = {"fs": 128.0, "window_s": 10.0, "highpass_hz": None, "normalise": "window"}
DEVICE_SIGNAL = SIGNAL | {"mode": "causal"}
# The source keeps the best of 30 epochs by macro F1 on held-out records.
TRAINING = {
    "epochs": 30,
    "batch": 64,
    "optimizer": "adamw",
    "learning_rate": 5e-4,
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "class_weights": "sqrt",
    "label_smoothing": 0.1,
    "keep": "best",
    "monitor": "score",
}

register(
    Architecture(
        name="rhythm_resnet1d",
        summary="residual network over two-lead windows",
        paper="LTAF ECG Rhythm Classifier (model card, v1)",
        task="rhythm_bouts",
        other_tasks={"rhythm": {}},
        build=rhythm_resnet1d,
        classes=6,
        presets={
            "paper": Preset(model={}, signal=SIGNAL, training=TRAINING, parameters={2: 8_794_246}),
            # A quarter of the width is a sixteenth of the weights.
            "edge": Preset(model={"width": 16}, signal=DEVICE_SIGNAL, training=TRAINING, parameters={2: 564_934}),
            "tiny": Preset(
                model={"width": 4, "blocks": 1, "dense": 16, "dropout": 0.1},
                signal=DEVICE_SIGNAL | {"fs": 64.0},
                training=TRAINING | {"epochs": 10, "batch": 16, "learning_rate": 3e-3},
                parameters={2: 16_118},
            ),
        },
        published={
            "LTAFDB macro F1": 0.614,
            "LTAFDB macro F1, TTA-7": 0.656,
            "LTAFDB accuracy": 0.636,
            "LTAFDB accuracy, TTA-7": 0.684,
        },
        studies={
            "tta": (Variant("1 window"), Variant("7 windows", tta=7)),
        },
    )
)
