"""VAE-BiLSTM-MHA: a recurrent variational autoencoder of short ECG windows with attention over leads and over time.

Source: "An Attention-Augmented VAE-BiLSTM Framework for Anomaly Detection in 12-Lead ECG Signals", arXiv 2510.05919,
and its published code; `vae_bilstm` is the same without the attentions. Trained on windows of normal recordings alone.

Input   ecg                  (samples, leads) float32, each lead z-scored over its recording: 500 are 1 s at 500 Hz
Output  reconstruction       (samples, leads) float32, the mean of the ecg's distribution
        log_variance         (samples, leads), its log-variance, not clamped
        latent_mean          (samples, 64), one latent vector per time step
        latent_log_variance  (samples, 64)
        lead_attention       (samples, leads), weight of each lead, mean over queries and heads; sums to 1 over leads
        sequence_attention   (samples,), weight of each time step, mean over queries and heads; sums to 1
(the last two: vae_bilstm_mha only). `attention_maps` returns both attentions in full.

The model adds its own loss (models_keras.layers.variational.EvidenceLowerBound): it is compiled without one, and
targets are ignored. At inference the latent vector is its mean.

Deviations: the LSTM's cell state is clipped to ±10 (models_keras.layers.lstm), and LSTMs have one bias, not PyTorch's
two. Means and log-variances come from a dense layer each instead of one that is split, so that each has its own
quantisation range; the number of parameters is the same. The input noise is the paper's, with standard deviation 0.01.
The loss is the evidence lower bound: likelihood and KL divergence are sums over a window, both divided by its values.
The published code sums the likelihood and averages the divergence, so that the divergence weighs 32,000 times less at
paper size (500 steps of 64 dimensions). A normal recording is here one that its database calls normal and nothing else;
there every recording counts as normal whose superclasses include NORM.
"""

from typing import Any

import keras
from keras import layers

from models_keras.cae import DEVICE_SIGNAL, SIGNAL, TRAINING
from models_keras.layers.keras_ops import ops
from models_keras.layers.lead_attention import LeadAttention
from models_keras.layers.lstm import ClippedLSTM
from models_keras.layers.multi_head_attention import MultiHeadAttention
from models_keras.layers.variational import EvidenceLowerBound, Sampling
from models_keras.registry import Architecture, Preset, Variant, register

NOISE, DROPOUT = 0.01, 0.1


def bilstm(x, units):
    """A bidirectional LSTM, outputs concatenated: (time, c) → (time, 2 · units)."""
    return layers.Bidirectional(ClippedLSTM(units, return_sequences=True))(x)


def dense(x, units):
    """A dense layer with PReLU of one shared slope, and dropout: (time, c) → (time, units)."""
    x = layers.Dense(units)(x)
    slope: Any = keras.initializers.Constant(0.25)  # as in PyTorch; Keras annotates the argument as str
    x = layers.PReLU(alpha_initializer=slope, shared_axes=(1, 2))(x)
    return layers.Dropout(DROPOUT)(x)


def attend(ecg, x, lead_heads, sequence_heads, uniform):
    """Attention over leads, added to x, then attention over time steps: ecg (time, leads) and x (time, latent) →
    (time, latent), and the mean weights by output name."""
    latent = x.shape[-1]
    mixed, lead_weights = LeadAttention(lead_heads, latent, uniform, name="leads")(ecg)
    x = layers.Add()([x, mixed])  # (time, latent)
    queries = layers.Conv1D(latent, 1, name="sequence_queries")(ecg)  # (time, latent)
    keys = ops.zeros_like(queries) if uniform else queries  # equal keys get equal weights
    x, weights = MultiHeadAttention(sequence_heads, latent, return_weights=True, name="sequence")(queries, x, keys)
    return x, {
        "lead_attention": ops.mean(lead_weights, axis=(2, 3)),  # (time, leads)
        "sequence_attention": ops.mean(weights, axis=(1, 2)),  # (time,)
    }


def vae_bilstm_mha(
    samples=500,
    leads=12,
    classes=2,
    encoder=(512, 256),
    latent=64,
    decoder=(256, 512),
    attention="learned",
    lead_heads=4,
    sequence_heads=8,
    beta=0.3,
    name="vae_bilstm_mha",
):
    """Build the model.

    Args:
        samples: of a window.
        leads: channels.
        classes: not used, an autoencoder has no output for them.
        encoder, decoder: units of their BiLSTMs.
        latent: dimensions per time step.
        attention: "learned"; "uniform": equal weights of all leads and time steps; "none": vae_bilstm.
        lead_heads, sequence_heads: of the two attentions.
        beta: highest weight of the KL divergence.
        name: of the model.

    Raises:
        ValueError: `attention` is none of these.
    """
    if attention not in ("learned", "uniform", "none"):
        raise ValueError(f"attention is learned, uniform or none, not {attention!r}")
    ecg = keras.Input((samples, leads), name="ecg")

    x = layers.GaussianNoise(NOISE)(ecg)
    for units in encoder:
        x = bilstm(x, units)  # (samples, 2 · units)
    x = dense(x, encoder[-1])
    latent_mean = layers.Dense(latent, name="latent_mean")(x)
    latent_log_variance = layers.Dense(latent, name="latent_log_variance")(x)
    x = Sampling(name="sampling")([latent_mean, latent_log_variance])  # (samples, latent)

    maps = {}
    if attention != "none":
        x, maps = attend(ecg, x, lead_heads, sequence_heads, uniform=attention == "uniform")  # (samples, latent)

    for units in decoder:
        x = bilstm(x, units)  # (samples, 2 · units)
    x = dense(x, decoder[-1])
    reconstruction, log_variance = layers.Dense(leads)(x), layers.Dense(leads, name="log_variance")(x)

    objective = EvidenceLowerBound(beta, name="reconstruction")
    reconstruction = objective([ecg, reconstruction, log_variance, latent_mean, latent_log_variance])
    outputs = {
        "reconstruction": reconstruction,
        "log_variance": log_variance,
        "latent_mean": latent_mean,
        "latent_log_variance": latent_log_variance,
        **maps,
    }
    return keras.Model(ecg, outputs, name=name)


def attention_maps(model):
    """A model with the attention weights of a vae_bilstm_mha `model` as outputs.

    Returns:
        ecg → "lead" (samples, heads, leads, leads) and "sequence" (heads, samples, samples); both sum to 1 over the
        last axis.

    Raises:
        ValueError: the model has no attention.
    """
    leads, sequence = model.get_layer("leads"), model.get_layer("sequence")
    return keras.Model(model.input, {"lead": leads.output[1], "sequence": sequence.output[1]})


STUDIES = {
    "attention": (
        Variant("learned attention"),
        Variant("uniform attention", {"model.attention": "uniform"}),
        Variant("no attention", {"model.attention": "none"}),
    )
}


def register_variant(name, summary, variant, learning_rate, parameters, published):
    """Register the model, or with `variant` the one without attentions, in its three sizes."""
    edge = {"encoder": (64, 32), "latent": 16, "decoder": (32, 64)}
    tiny = {"encoder": (16, 8), "latent": 8, "decoder": (8, 16)}
    fewer_heads = {} if variant else {"lead_heads": 2, "sequence_heads": 2}
    recipe = {**TRAINING, "stop_after": 25}  # longer than a cycle of beta
    sizes = {
        "paper": {
            "model": {},
            "signal": SIGNAL,
            "training": {**recipe, "learning_rate": learning_rate, "stop_after": 100},
        },
        # A quarter of the rate, an eighth of the width: an epoch of 14,000 windows takes a minute on two cores.
        "edge": {
            "model": {**edge, **fewer_heads},
            "signal": DEVICE_SIGNAL,
            "training": {**recipe, "epochs": 50, "learning_rate": 2e-3},
        },
        "tiny": {
            "model": {**tiny, **fewer_heads},
            "signal": DEVICE_SIGNAL,
            "training": {**recipe, "epochs": 20, "learning_rate": 5e-3},
        },
    }
    register(
        Architecture(
            name=name,
            summary=summary,
            paper="arXiv 2510.05919",
            task="anomaly",
            build=vae_bilstm_mha,
            classes=2,
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
            studies={} if variant else STUDIES,
        )
    )


register_variant(
    "vae_bilstm",
    "variational autoencoder of BiLSTMs",
    variant={"attention": "none"},
    learning_rate=5e-3,
    parameters={
        "paper": {12: 10_331_034, 1: 10_274_692},
        "edge": {12: 172_186, 1: 165_124},
        "tiny": {12: 12_866, 1: 11_084},
    },
    published={
        "CPSC 2018 precision": 0.70,
        "CPSC 2018 recall": 0.76,
        "CPSC 2018 F1": 0.73,
        "CPSC 2018 AUROC": 0.78,
        "CPSC 2018 AUPRC": 0.81,
    },
)
register_variant(
    "vae_bilstm_mha",
    "variational autoencoder of BiLSTMs with attention over leads and over time",
    variant={},
    learning_rate=1e-4,
    parameters={
        "paper": {12: 10_365_274, 1: 10_308_228},
        "edge": {12: 174_602, 1: 167_364},
        "tiny": {12: 13_562, 1: 11_692},
    },
    published={
        "CPSC 2018 precision": 0.75,
        "CPSC 2018 recall": 0.85,
        "CPSC 2018 F1": 0.80,
        "CPSC 2018 AUROC": 0.80,
        "CPSC 2018 AUPRC": 0.81,
    },
)
