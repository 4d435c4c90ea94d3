"""What a Keras model shows of itself: its attention, and the memory of its state spaces."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecg_edge.tasks.predictor import Predictor, keras_inputs
from firmware_bench.runtime.errors import InputError

GATE = "attention"  # name of the layer whose output is a gate for every time step and channel


def read_attention(predictor: Predictor, model: Any, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Read the attention of windows.

    Args:
        predictor: The model as a function of windows.
        model: The Keras model, or None of an exported file.
        inputs: The model's inputs by name, "ecg" (n, samples, leads) among them.

    Returns:
        The attention gate of each time step, mean over its channels, 0 to 1: (n, steps); or, of a detector with
        attention to leads and time steps, their product relative to uniform attention: (n, samples, leads).

    Raises:
        InputError: The model has neither, or only its Keras model shows it.
    """
    if model is not None and any(layer.name == GATE for layer in model.layers):
        return run_part(model, [model.get_layer(GATE).output], inputs)[0].mean(axis=-1)
    outputs = predictor(dict(inputs))
    if not isinstance(outputs, dict) or "lead_attention" not in outputs:
        raise InputError("no attention: a run of cnn_att_bilstm with its attention gate, or vae_bilstm_mha, has some")
    _, samples, leads = inputs["ecg"].shape
    return leads * outputs["lead_attention"] * samples * outputs["sequence_attention"][..., None]


def measure_memory(model: Any, inputs: Mapping[str, np.ndarray], seconds: float) -> np.ndarray:
    """Measure for how long the states of ecg_mamba remember what is written at each time step.

    A state decays by exp(-Δ) a step, where Δ = softplus(dt + bias) follows from the input (selective state spaces,
    arXiv 2312.00752): its time constant is 1 / Δ steps.

    Args:
        model: The Keras model, or None of an exported file.
        inputs: The model's inputs by name.
        seconds: Duration of the window, s.

    Returns:
        The median time constant of all states, channels, blocks and directions at each time step, s: (n, steps).

    Raises:
        InputError: The model has no selective state space, or it is an exported file.
    """
    from models_keras.layers.selective_ssm import SelectiveSSM

    layers = [layer for layer in model.layers if isinstance(layer, SelectiveSSM)] if model is not None else []
    if not layers:
        raise InputError("no states: a run of ecg_mamba has some")
    steps = []
    for layer, x in zip(layers, run_part(model, [layer.input for layer in layers], inputs), strict=True):
        dt = x @ np.asarray(layer.dt_down) @ np.asarray(layer.dt_up)  # (n, steps, channels)
        delta = np.logaddexp(0.0, dt[:, :, None] + np.asarray(layer.dt_bias))  # (n, steps, states, channels)
        steps.append(delta.reshape(*dt.shape[:2], -1))
    deltas = np.concatenate(steps, axis=-1)
    return seconds / deltas.shape[1] / np.median(deltas, axis=-1)


def run_part(model: Any, outputs: list, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Run a Keras model up to some of its tensors.

    Args:
        model: The model.
        outputs: Symbolic tensors of it.
        inputs: Its inputs by name, (n, …) float32.

    Returns:
        Their values.
    """
    import keras

    part = keras.Model(model.inputs, outputs)
    values = part.predict_on_batch(keras_inputs({tensor.name: inputs[tensor.name] for tensor in model.inputs}))
    return [np.asarray(value) for value in (values if isinstance(values, list) else [values])]
