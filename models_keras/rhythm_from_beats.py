"""RhythmFromBeats: a transformer over the sequence of beats in a window.

Source: "LTAF ECG Rhythm Classifier, RhythmFromBeats v2" model card (rmxjck/ltaf-ecg-rhythm-classifier), stage 2.

Input   features       (beats, 576) float32: what models_keras.htf_beat.fused_features gives for each of at most 32
                       beats of a window of 10 s, in time order, zeros for padding
        rr             (beats, 1) float32: the RR interval to the beat before in s, clipped to [0, 3], 0 for the first
        weights        (beats,) float32: 1/n for the n valid beats, 0 for padding
Output  probabilities  (classes,) float32, softmax; NSR, AFIB, SBR, AB, SVTA, B in the source

morphology=False is for beats of which only times and classes are known. Its input is then
        features       (beats, 8) float32: per beat the five RR intervals before it in s, oldest first, and its class:
                       the probabilities of N, A and V, one-hot where it is annotated, zeros where it is unknown
and it trains htf_beat's history stream itself.

The input `weights` is both masks: the mean over the valid beats is a product with it, and the attention's additive bias
is computed from it (models_keras.layers.multi_head_attention.PaddingBias).

Deviations, for integer kernels: GELU is x · sigmoid(1.702 x), and padding has an attention bias of -8, not -∞.
"""

import keras
from keras import layers

from models_keras.htf_beat import BEATS_BEFORE
from models_keras.layers.activations import gelu
from models_keras.layers.multi_head_attention import MultiHeadAttention, PaddingBias
from models_keras.layers.normalisation import layer_norm
from models_keras.layers.positions import LearnedPositions
from models_keras.registry import Architecture, Preset, Variant, register

LONGEST = 64  # beats with a position embedding
PLAIN_FEATURES = BEATS_BEFORE + 3  # RR intervals, and the class N, A or V


def per_beat(x, units, activation=None):
    """A dense layer over each beat: (beats, c) → (beats, units). As a convolution of kernel size 1, see
    models_keras.layers.multi_head_attention.MultiHeadAttention."""
    return layers.Conv1D(units, 1, activation=activation)(x)


def transformer_block(x, bias, heads, mlp, dropout):
    """A pre-norm transformer block, attention and a two-layer perceptron: (beats, width) → (beats, width)."""
    width = x.shape[-1]
    normalised = layer_norm(x)
    attended = MultiHeadAttention(heads, width)(normalised, normalised, bias=bias)
    x = layers.Add()([x, layers.Dropout(dropout)(attended)])
    y = per_beat(layer_norm(x), mlp, gelu)  # (beats, mlp)
    y = layers.Dropout(dropout)(y)
    y = per_beat(y, width)
    return layers.Add()([x, layers.Dropout(dropout)(y)])


def rhythm_from_beats(
    samples=32,
    leads=2,
    classes=6,
    morphology=True,
    features=576,
    history=64,
    width=128,
    blocks=4,
    heads=4,
    mlp=512,
    dropout=0.1,
    name="rhythm_from_beats",
):
    """Build the model.

    Args:
        samples: beats in a window (not samples of ECG), at most 64.
        leads: not used.
        classes: of rhythms.
        morphology: with the beat embedder's features as input, otherwise with RR intervals and classes.
        features: width of the input, with morphology.
        history: units of the history stream, without morphology.
        width: of the transformer.
        blocks: number of transformer blocks.
        heads: of the attention.
        mlp: hidden units of the perceptron.
        dropout: rate.
        name: of the model.
    """
    rr = keras.Input((samples, 1), name="rr")
    weights = keras.Input((samples,), name="weights")
    known = beats = keras.Input((samples, features if morphology else PLAIN_FEATURES), name="features")
    if not morphology:
        beats = layers.Dropout(dropout)(per_beat(beats, history, "relu"))
        beats = per_beat(beats, history, "relu")  # (beats, history)

    x = layers.Concatenate()([beats, rr])  # (beats, features + 1)
    x = LearnedPositions(LONGEST)(per_beat(x, width))  # (beats, width)
    bias = PaddingBias()(weights)  # (1, 1, beats)
    for _ in range(blocks):
        x = transformer_block(x, bias, heads, mlp, dropout)
    x = layers.Dot(axes=1)([weights, layer_norm(x)])  # (width,)

    x = layers.Dense(width, activation=gelu)(x)
    x = layers.Dropout(dropout)(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model([known, rr, weights], probabilities, name=name)


SIGNAL = {"fs": 128.0, "window_s": 10.0, "highpass_hz": None, "normalise": "window"}
DEVICE_SIGNAL = SIGNAL | {"mode": "causal"}
TRAINING = {
    "epochs": 30,
    "batch": 32,
    "optimizer": "adamw",
    "learning_rate": 5e-4,
    "weight_decay": 5e-2,
    "schedule": "cosine",
    "class_weights": "sqrt",
    "label_smoothing": 0.1,
    "keep": "best",
    "monitor": "score",
}

register(
    Architecture(
        name="rhythm_from_beats",
        summary="transformer over the beats of a window",
        paper="LTAF ECG Rhythm Classifier (model card, v2)",
        task="beat_rhythm",
        build=rhythm_from_beats,
        beat_embedder="htf_beat",
        classes=6,
        presets={
            "paper": Preset(model={}, signal=SIGNAL, training=TRAINING, parameters={2: 892_806}),
            # For the features of htf_beat's preset of the same name.
            "edge": Preset(
                model={"features": 288, "history": 32, "width": 64, "blocks": 2, "mlp": 256},
                signal=DEVICE_SIGNAL,
                training=TRAINING,
                parameters={2: 127_302},
            ),
            # Without an embedder, which would have to be trained first; with morphology for htf_beat's tiny preset.
            "tiny": Preset(
                model={
                    "morphology": False,
                    "features": 40,
                    "history": 8,
                    "width": 16,
                    "blocks": 1,
                    "heads": 2,
                    "mlp": 32,
                },
                signal=DEVICE_SIGNAL | {"fs": 64.0},
                training=TRAINING | {"epochs": 10, "batch": 16, "learning_rate": 3e-3},
                task={"labels": "true"},
                parameters={2: 3_958},
            ),
        },
        published={
            "LTAFDB macro F1": 0.731,
            "LTAFDB macro F1, TTA-7": 0.767,
            "LTAFDB accuracy": 0.713,
            "LTAFDB accuracy, TTA-7": 0.760,
        },
        studies={
            "tta": (Variant("1 window"), Variant("7 windows", tta=7)),
            "labels": (
                Variant("annotated labels", {"task.labels": "true"}),
                Variant("no labels", {"task.labels": "none"}),
            ),
        },
    )
)
