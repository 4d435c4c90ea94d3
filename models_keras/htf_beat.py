"""HTF beat classifier: waveform and spectrum of a beat, and the RR intervals and labels of the beats before it.

Source: "LTAF ECG Rhythm Classifier, RhythmFromBeats v2" model card (rmxjck/ltaf-ecg-rhythm-classifier), stage 1, the
beat embedder. Its 576 fused features are what models_keras.rhythm_from_beats reads.

Input   ecg            (samples, leads) float32: 256 samples are 2 s at 128 Hz around the R peak, each lead z-scored
        rr             (5,) float32: the RR intervals before the beat in s, at most 3; 0 where unknown
        labels         (5, classes) float32: those of the five beats before, one-hot, zeros where unknown
        own            (1 + leads,) float32, with relative=True: the patient's mean RR interval in s, and the distances
                       of the beat from the patient's average one; the RR intervals then are relative to that mean, and
                       the last is the one after the beat
Output  probabilities  (classes,) float32, softmax; N, A, V

Deviation: in the source the frequency stream reads log1p of the amplitude spectrum: spectrum="log1p". Root and
logarithm have no integer kernel, so the default, spectrum="integer", is an approximation within 0.07, in training as on
the device (models_keras.layers.spectrum).
"""

import keras
from keras import layers

from models_keras.layers.spectrum import LogSpectrum
from models_keras.registry import Architecture, Preset, register

BEATS_BEFORE = 5


def trunk(x, filters, kernel, dropout):
    """Convolutions that halve time, one per entry of `filters`, and global average pooling: (time, c) →
    (filters[-1],)."""
    for width in filters:
        x = layers.Conv1D(width, kernel, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling1D(2)(x)
        x = layers.Dropout(dropout)(x)
    return layers.GlobalAveragePooling1D()(x)


def head_layers(classes, history, dense, dropout):
    """The layers of `head`, by name."""
    parts = (
        layers.Flatten(name="flat_labels"),
        layers.Concatenate(name="before"),
        layers.Dense(history, activation="relu", name="history_hidden"),
        layers.Dropout(dropout, name="history_dropout"),
        layers.Dense(history, activation="relu", name="history_features"),
        layers.Concatenate(name="fused"),
        layers.Dense(dense, activation="relu", name="dense"),
        layers.Dropout(dropout, name="dense_dropout"),
        layers.Dense(classes, activation="softmax", name="probabilities"),
    )
    return {part.name: part for part in parts}


def head(layer, morphology, rr, labels, own=None):
    """Fused features and probabilities of morphology features (512,), rr (5,), labels (5, classes) and, where there is
    that, own (1 + leads,); `layer` returns a layer by its name."""
    more = [] if own is None else [own]
    x = layer("before")([rr, layer("flat_labels")(labels), *more])  # (5 + 5 · classes,) or more
    for name in ("history_hidden", "history_dropout", "history_features"):
        x = layer(name)(x)  # (64,)
    fused = layer("fused")([morphology, x])  # (576,)
    return fused, layer("probabilities")(layer("dense_dropout")(layer("dense")(fused)))


def htf_beat(
    samples=256,
    leads=2,
    classes=3,
    time_filters=(32, 64, 128, 256, 256),
    frequency_filters=(32, 64, 128, 256),
    kernel=7,
    history=64,
    dense=128,
    dropout=0.1,
    spectrum="integer",
    relative=False,
    name="htf_beat",
):
    """Build the model: two streams for the beat, one for its history, and a head.

    Args:
        samples: of a window, centred on the R peak.
        leads: channels.
        classes: of beats.
        time_filters, frequency_filters: channels of each convolution of the time and the frequency stream.
        kernel: size of the convolutions.
        history: units of the history stream.
        dense: units of the head.
        dropout: rate.
        spectrum: "integer" or "log1p", see models_keras.layers.spectrum.LogSpectrum.
        relative: whether beats are given relative to the patient's own, with the input "own".
        name: of the model.
    """
    ecg = keras.Input((samples, leads), name="ecg")
    before = {
        "rr": keras.Input((BEATS_BEFORE,), name="rr"),
        "labels": keras.Input((BEATS_BEFORE, classes), name="labels"),
    }
    if relative:
        before["own"] = keras.Input((1 + leads,), name="own")

    time = trunk(ecg, time_filters, kernel, dropout)  # (256,)
    bins = LogSpectrum(spectrum)(ecg)  # (samples / 2 + 1, leads)
    frequency = trunk(bins, frequency_filters, kernel, dropout)  # (256,)
    morphology = layers.Concatenate(name="morphology")([time, frequency])  # (512,)

    parts = head_layers(classes, history, dense, dropout)
    _, probabilities = head(parts.__getitem__, morphology, **before)
    return keras.Model([ecg, *before.values()], probabilities, name=name)


def fused_features(model):
    """The beat embedder in an htf_beat `model`: the same inputs and weights → fused features (576,)."""
    return keras.Model(model.inputs, model.get_layer("fused").output, name="fused_features")


def with_features(model, morphology=True):
    """An htf_beat `model` with its features as an output: {"fused": (576,), "probabilities": (classes,)}; without
    `morphology` the features are the RR intervals and the probabilities, (5 + classes,)."""
    rr = next(x for x in model.inputs if x.name == "rr")
    fused = model.get_layer("fused").output if morphology else layers.Concatenate()([rr, model.output])
    return keras.Model(model.inputs, {"fused": fused, "probabilities": model.output}, name=model.name)


def split_model(model):
    """Split an htf_beat `model` into two that share its weights, for labels that are its own earlier predictions: the
    costly part does not depend on them and is computed in batches.

    Returns:
        waveform model: ecg → (512,); head: {"morphology": (512,), "rr", "labels"} and "own", where the model has it
        → {"fused": (576,), "probabilities": (classes,)}.
    """
    ecg, *before = model.inputs
    features = model.get_layer("morphology").output
    inputs = {"morphology": keras.Input(features.shape[1:], name="morphology")}
    inputs |= {x.name: keras.Input(x.shape[1:], name=x.name) for x in before}
    fused, probabilities = head(model.get_layer, **inputs)
    return (
        keras.Model(ecg, features, name="morphology"),
        keras.Model(inputs, {"fused": fused, "probabilities": probabilities}, name="history_head"),
    )


SIGNAL = {"fs": 128.0, "window_s": 2.0, "highpass_hz": None, "normalise": "window"}
DEVICE_SIGNAL = SIGNAL | {"mode": "causal"}
TRAINING = {
    "epochs": 15,
    "batch": 256,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "class_weights": "sqrt",
    "label_smoothing": 0.05,
    "gradient_norm": 1.0,
    "keep": "best",
    "monitor": "score",
}

register(
    Architecture(
        name="htf_beat",
        summary="beat classifier and embedder: waveform, spectrum, history",
        paper="LTAF ECG Rhythm Classifier (model card, v2)",
        task="beats",
        build=htf_beat,
        split_beat_model=split_model,
        beat_features=with_features,
        classes=3,
        presets={
            "paper": Preset(model={}, signal=SIGNAL, training=TRAINING, parameters={2: 1_143_939}),
            # Half the width: 288 fused features, for the edge preset of rhythm_from_beats beside it in one megabyte.
            "edge": Preset(
                model={
                    "time_filters": (16, 32, 64, 128, 128),
                    "frequency_filters": (16, 32, 64, 128),
                    "history": 32,
                    "dense": 64,
                },
                signal=DEVICE_SIGNAL,
                training=TRAINING,
                parameters={2: 287_299},
            ),
            # 40 fused features.
            "tiny": Preset(
                model={
                    "time_filters": (8, 16, 16),
                    "frequency_filters": (8, 16),
                    "history": 8,
                    "dense": 16,
                },
                signal=DEVICE_SIGNAL | {"fs": 64.0},
                training=TRAINING | {"epochs": 10, "batch": 64, "learning_rate": 3e-3},
                parameters={2: 4_883},
            ),
        },
        published={
            "LTAFDB F1, N": 0.977,
            "LTAFDB F1, A": 0.935,
            "LTAFDB F1, V": 0.907,
        },
    )
)
