"""Quantisation-aware training: the float graph learns to give its own outputs with every tensor rounded to 8 bits.

What is rounded is what the converter will round (export.quantise.float_graph): inputs, the result of every operator, a
hidden state of an LSTM at every step, weights with one scale per channel of a convolution and one per matrix of an
LSTM. Gradients pass through the rounding (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", arXiv 1712.05877); weights, biases and ranges are trained.

The teacher is the float graph itself; the loss is the power of the difference between both outputs relative to that of
the float one. So there is one loss for every model, with classes or a reconstruction, it needs no labels, and it is
what the export's acceptance checks measure (in dB).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from export.quantise.float_graph import FloatGraph

BATCH = 16
BITS = 8
WEIGHT_RATE = 1e-4  # Adam's first rate for weights and biases; a cosine takes it to zero
RANGE_RATE = 3e-3  # for the logarithm of a range's ends: a step is a third of a per cent
LEAST_GAIN = 1.4  # 1.5 dB: a smaller gain on some windows is often a loss on others
SHORTEST = 1e-6  # the least width of a range


class FakeQuantised:
    """A float graph computed as 8-bit integers would compute it.

    Args:
        graph: The float graph.
        ranges: Tensor → (lowest, highest) of every tensor to be rounded, from export.quantise.ranges.tie.
        groups: Tensor → the tensors that share its range.
        fixed: Tensors whose range the operator dictates.
    """

    def __init__(self, graph: FloatGraph, ranges: Mapping, groups: Mapping, fixed: Iterable[int] = ()):
        self.graph, self.groups = graph, groups
        self.weights = {
            tensor: tf.Variable(tf.constant(graph.constants[tensor]), trainable=True)
            for tensor in (*graph.weights, *graph.biases)
        }
        self.first = {tensor: np.array(ends, np.float32) for tensor, ends in ranges.items()}
        self.leader = {tensor: min(groups[tensor]) for tensor in ranges}
        movable = set(self.leader.values()) - {self.leader[tensor] for tensor in fixed if tensor in self.leader}
        self.growth = {leader: tf.Variable(tf.zeros(2)) for leader in sorted(movable)}  # log of the ends' growth

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Inputs by name → outputs by name, (n, …), rounded to 8 bits."""
        return graph_outputs(self.graph, self.activations(inputs))

    def activations(self, inputs: Mapping[str, tf.Tensor]) -> dict[int, tf.Tensor]:
        """Every activation, tensor → (n, *shape)."""
        rounded = {tensor: self._round_weight(tensor) for tensor in self.graph.weights}
        known = {**rounded, **{tensor: self.weights[tensor] for tensor in self.graph.biases}}

        def constant(tensor, values):
            return known[tensor] if tensor in known else self._round_constant(values)

        return self.graph.run(inputs, constant, self.round_activation)

    def ends(self, tensor: int):
        """The range of an activation, a tensor (2,): lowest and highest."""
        growth = self.growth.get(self.leader[tensor])
        return self.first[tensor] if growth is None else self.first[tensor] * tf.exp(growth)

    def ranges(self) -> dict[int, tuple[float, float]]:
        """Tensor → (lowest, highest) as they are now, also of the states that share an LSTM's."""
        now = {}
        for tensor in self.first:
            low, high = (float(end) for end in np.asarray(self.ends(tensor)))
            now |= dict.fromkeys(self.groups[tensor], (low, high))
        return now

    def write(self) -> None:
        """Writes the current weights into the graph's file."""
        for tensor, variable in self.weights.items():
            self.graph.set_constant(tensor, variable.numpy())

    def state(self) -> list[np.ndarray]:
        """The values of all variables, for `restore`."""
        return [variable.numpy() for variable in self.variables()]

    def restore(self, state: list[np.ndarray]) -> None:
        """Sets all variables to an earlier `state`."""
        for variable, values in zip(self.variables(), state, strict=True):
            variable.assign(values)

    def variables(self) -> list[tf.Variable]:
        """Weights, biases and the growth of the ranges."""
        return [*self.weights.values(), *self.growth.values()]

    def round_activation(self, tensor: int, x: tf.Tensor) -> tf.Tensor:
        """Rounds the values `x` of an activation to its 8-bit scale."""
        if tensor not in self.first:
            return x
        low, high = tf.unstack(self.ends(tensor))
        return tf.quantization.fake_quant_with_min_max_vars(x, low, tf.maximum(high, low + SHORTEST), BITS)

    def _round_weight(self, tensor):
        weight, axis = self.weights[tensor], self.graph.weights[tensor]
        if axis is None:
            end = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(weight)), SHORTEST))
            return tf.quantization.fake_quant_with_min_max_vars(weight, -end, end, BITS, narrow_range=True)
        order = [n for n in range(weight.shape.rank) if n != axis] + [axis]  # the channels last
        end = tf.reduce_max(tf.abs(weight), order[:-1])
        end = tf.stop_gradient(tf.maximum(end, SHORTEST))
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            tf.transpose(weight, order), -end, end, BITS, narrow_range=True
        )
        return tf.transpose(rounded, np.argsort(order))

    def _round_constant(self, values):
        """Rounds a constant that is not trained: the converter gives it the range of its values and zero."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        return tf.quantization.fake_quant_with_min_max_args(values, low, max(high, low + SHORTEST), BITS)


def graph_outputs(graph: FloatGraph, values: Mapping[int, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Selects the outputs, by name, from all activations; without the file's own batch axis."""
    found = {name: values[tensor] for name, tensor in graph.outputs.items()}
    return {name: tf.reshape(x, (-1, *x.shape[2:])) for name, x in found.items()}


def finetune(
    model: FakeQuantised,
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    epochs: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[float]:
    """Trains `model`, and restores it as it was after the `best_epoch`.

    Args:
        model: The fake-quantised graph, trained in place.
        training: Input name → (n, …), the windows to train on.
        held_out: Input name → (n, …), the windows that choose the epoch.
        epochs: How often `training` is gone through.
        progress: Called with (done, total) after each step.

    Returns:
        The noise on `held_out` before training and after every epoch, relative to the signal (a power ratio).
    """
    graph = model.graph
    teacher = tf.function(lambda inputs: graph_outputs(graph, graph.run(inputs)), reduce_retracing=True)
    student = tf.function(model, reduce_retracing=True)
    power = {name: float(np.mean(np.square(y))) for name, y in run_batches(teacher, held_out).items()}
    weights, ranges = list(model.weights.values()), list(model.growth.values())
    optimizers = [(tf.keras.optimizers.Adam(WEIGHT_RATE), weights), (tf.keras.optimizers.Adam(RANGE_RATE), ranges)]
    count = len(next(iter(training.values())))
    steps = epochs * max(1, count // BATCH)

    @tf.function(reduce_retracing=True)
    def step(inputs, expected):
        with tf.GradientTape() as tape:
            found = model(inputs)
            loss = noise_ratio(expected, found, power)
        gradients = tape.gradient(loss, weights + ranges)
        gradients = [tf.zeros_like(v) if g is None else g for g, v in zip(gradients, weights + ranges, strict=True)]
        for optimizer, variables in optimizers:
            own, gradients = gradients[: len(variables)], gradients[len(variables) :]
            if variables:
                optimizer.apply_gradients(zip(own, variables, strict=True))

    def held_out_noise():
        expected, found = run_batches(teacher, held_out), run_batches(student, held_out)
        return float(noise_ratio(expected, found, power))

    history, best, done = [held_out_noise()], model.state(), 0
    generator = np.random.default_rng(0)
    for _ in range(epochs):
        order = generator.permutation(count)
        for start in range(0, max(1, count - BATCH + 1), BATCH):
            share = (1 + math.cos(math.pi * done / steps)) / 2
            for (optimizer, _), rate in zip(optimizers, (WEIGHT_RATE, RANGE_RATE), strict=True):
                optimizer.learning_rate = rate * share
            inputs = {name: tf.constant(x[np.sort(order[start : start + BATCH])]) for name, x in training.items()}
            step(inputs, teacher(inputs))
            done += 1
            progress(done, steps)
        history.append(held_out_noise())
        if best_epoch(history) == len(history) - 1:
            best = model.state()
    model.restore(best)
    return history


def best_epoch(history: Sequence[float]) -> int:
    """The epoch with the least noise, if it is a LEAST_GAIN below the noise before the first; 0 stands for that."""
    best = int(np.argmin(history))
    return best if history[best] * LEAST_GAIN <= history[0] else 0


def noise_ratio(expected: Mapping, found: Mapping, power: Mapping[str, float]):
    """The mean over the outputs of the power of their difference, relative to the power of the output."""
    ratios = [tf.reduce_mean(tf.square(found[name] - y)) / max(power[name], 1e-12) for name, y in expected.items()]
    return tf.add_n(ratios) / len(ratios)


def run_batches(model: Callable, windows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs `model` on many windows, a batch at a time: outputs by name, (n, …)."""
    count = len(next(iter(windows.values())))
    parts = [
        model({name: tf.constant(np.asarray(x[start : start + BATCH], np.float32)) for name, x in windows.items()})
        for start in range(0, count, BATCH)
    ]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}
