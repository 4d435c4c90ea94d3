"""Integrated gradients of a Keras model (Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", arXiv
1703.01365): the gradient of a label's probability, averaged on the way from a baseline to the input, times the input.

The baseline is zero, which is the isoelectric line after the high-pass filter. The values add up to the probability of
the input less that of the baseline (the paper's axiom of completeness).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ecg_edge.tasks.predictor import keras_inputs
from firmware_bench.runtime.errors import InputError

STEPS = 32  # of the way, by the midpoint rule

Gradient = Callable[[Mapping[str, np.ndarray], int], Mapping[str, Any]]


def integrate_gradients(
    gradient: Gradient, inputs: Mapping[str, np.ndarray], targets: np.ndarray, names: Sequence[str], steps: int = STEPS
) -> dict[str, np.ndarray]:
    """Compute integrated gradients of windows.

    Args:
        gradient: Of the model, as `make_gradient` makes it.
        inputs: The model's inputs by name, (n, …) float32.
        targets: The class of each window to explain, int (n,).
        names: The inputs that are explained; the others stay as they are.
        steps: Points on the way from the baseline.

    Returns:
        Input name → values (n, …) float32, of the input's shape.
    """
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    found = {name: np.zeros_like(inputs[name]) for name in names}
    for position, target in enumerate(targets):
        points = {name: np.repeat(values[position : position + 1], steps, axis=0) for name, values in inputs.items()}
        for name in names:
            points[name] = points[name] * shares.reshape(-1, *[1] * (points[name].ndim - 1))
        for name, slopes in gradient(points, int(target)).items():
            found[name][position] = inputs[name][position] * np.asarray(slopes).mean(axis=0)
    return found


def measure_saliency(
    gradient: Gradient, inputs: Mapping[str, np.ndarray], targets: np.ndarray, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Measure how strongly a change of each value would change the probability: the magnitude of the gradient.

    Source: Simonyan, Vedaldi & Zisserman, arXiv 1312.6034. Unlike integrated gradients it is not zero where the signal
    is, and so it sees what a segment lacks.

    Args:
        gradient: As for `integrate_gradients`, like `inputs`, `targets` and `names`.
        inputs: The model's inputs by name, (n, …) float32.
        targets: The class of each window, int (n,).
        names: The inputs that are explained.

    Returns:
        Input name → values (n, …) float32, of the input's shape.
    """
    found = {name: np.zeros_like(inputs[name]) for name in names}
    for position, target in enumerate(targets):
        window = {name: values[position : position + 1] for name, values in inputs.items()}
        for name, slopes in gradient(window, int(target)).items():
            found[name][position] = np.abs(np.asarray(slopes)[0])
    return found


def make_gradient(model: Any, names: Sequence[str]) -> Gradient:
    """Make the function that computes the gradient of a label's probability by the inputs `names`.

    It is compiled at its first call: keep it for the next windows.

    Args:
        model: A Keras model whose output, or output "probabilities", is (n, classes).
        names: Of inputs.

    Returns:
        A function of inputs by name, (n, …) float32, and a class: input name → gradient, (n, …).

    Raises:
        InputError: Keras runs on another backend than TensorFlow and JAX.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _make_tensorflow_gradient(model, names)
    if backend == "jax":
        return _make_jax_gradient(model, names)
    raise InputError(f"integrated gradients need Keras on TensorFlow or JAX, not on {backend}: set KERAS_BACKEND")


def _make_tensorflow_gradient(model: Any, names: Sequence[str]) -> Gradient:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def compute(inputs, target):
        with tf.GradientTape() as tape:
            tape.watch([inputs[name] for name in names])
            total = tf.reduce_sum(
                tf.gather(_probabilities(model(keras_inputs(inputs), training=False)), target, axis=1)
            )
        return dict(zip(names, tape.gradient(total, [inputs[name] for name in names]), strict=True))

    return lambda inputs, target: compute(
        {name: tf.convert_to_tensor(values) for name, values in inputs.items()}, tf.constant(target)
    )


def _make_jax_gradient(model: Any, names: Sequence[str]) -> Gradient:
    import jax

    def total(watched, inputs, target, variables):
        outputs, _ = model.stateless_call(*variables, keras_inputs({**inputs, **watched}), training=False)
        return _probabilities(outputs)[:, target].sum()

    compute = jax.jit(jax.grad(total))
    variables = [[variable.value for variable in group]
                 for group in (model.trainable_variables, model.non_trainable_variables)]  # fmt: skip
    return lambda inputs, target: compute({name: inputs[name] for name in names}, dict(inputs), target, variables)


def _probabilities(outputs: Any) -> Any:
    return outputs["probabilities"] if isinstance(outputs, dict) else outputs
