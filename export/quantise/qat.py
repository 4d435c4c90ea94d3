"""Quantisation-aware training: the float graph learns to answer as it did while every tensor is rounded to 8 bits.

What is rounded is what the converter will round (export.quantise.float_graph): inputs, the result of every operator, a
hidden state of an LSTM at every step, weights with one scale per channel of a convolution and one per matrix of an
LSTM. Gradients pass through the rounding (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", arXiv 1712.05877); weights, biases and ranges are trained.

The teacher is the float graph itself, the loss the power of the difference between both answers relative to that of
the float one. So there is one loss for every model, with classes or a reconstruction, no label is looked at, and what
is minimised is what the export's gates measure (in dB).
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from export.quantise.float_graph import Graph

BATCH = 16
WEIGHT_RATE = 1e-4  # Adam's first rate for weights and biases; a cosine takes it to zero
RANGE_RATE = 3e-3  # for the logarithm of a range's ends: a step is a third of a per cent
GAIN = 1.4  # 1.5 dB: less noise on some windows by less than that is often more on others
SHORTEST = 1e-6  # the least width of a range


class FakeQuantised:
    """`graph` as integers of `bits` would calculate it.

    ranges: tensor → (lowest, highest) of every tensor to be rounded, from export.quantise.ranges.tie; groups: tensor →
    the tensors that share a range; fixed: tensors whose range the operator dictates.
    """

    def __init__(self, graph: Graph, ranges: Mapping, groups: Mapping, fixed=(), bits: int = 8):
        self.graph, self.groups, self.bits = graph, groups, bits
        self.weights = {
            tensor: tf.Variable(graph.constants[tensor], trainable=True) for tensor in (*graph.weights, *graph.biases)
        }
        self.first = {tensor: np.array(ends, np.float32) for tensor, ends in ranges.items()}
        self.leader = {tensor: min(groups[tensor]) for tensor in ranges}
        movable = set(self.leader.values()) - {self.leader[tensor] for tensor in fixed if tensor in self.leader}
        self.growth = {leader: tf.Variable(tf.zeros(2)) for leader in sorted(movable)}  # log of the ends' growth

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Inputs by name → outputs by name, (n, …), of numbers that 8-bit integers can stand for."""
        return outputs(self.graph, self.activations(inputs))

    def activations(self, inputs: Mapping[str, tf.Tensor]) -> dict[int, tf.Tensor]:
        """Every activation, tensor → (n, *shape)."""
        rounded = {tensor: self._rounded_weight(tensor) for tensor in self.graph.weights}
        known = {**rounded, **{tensor: self.weights[tensor] for tensor in self.graph.biases}}

        def constant(tensor, values):
            return known[tensor] if tensor in known else self._rounded_constant(values)

        return self.graph.run(inputs, constant, self.rounded)

    def ends(self, tensor: int):
        """The range of an activation, a tensor (2,): lowest and highest."""
        growth = self.growth.get(self.leader[tensor])
        return self.first[tensor] if growth is None else self.first[tensor] * tf.exp(growth)

    def ranges(self) -> dict[int, tuple[float, float]]:
        """Tensor → (lowest, highest) as they are now, also of the states that share an LSTM's."""
        now = {tensor: tuple(float(end) for end in np.asarray(self.ends(tensor))) for tensor in self.first}
        return {member: ends for tensor, ends in now.items() for member in self.groups[tensor]}

    def write(self) -> None:
        """The weights as they are now into the graph's file."""
        for tensor, variable in self.weights.items():
            self.graph.set_constant(tensor, variable.numpy())

    def state(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self.variables()]

    def restore(self, state: list[np.ndarray]) -> None:
        for variable, values in zip(self.variables(), state, strict=True):
            variable.assign(values)

    def variables(self) -> list[tf.Variable]:
        return [*self.weights.values(), *self.growth.values()]

    def rounded(self, tensor: int, x: tf.Tensor) -> tf.Tensor:
        """What integers make of the values `x` of an activation."""
        if tensor not in self.first:
            return x
        low, high = tf.unstack(self.ends(tensor))
        return tf.quantization.fake_quant_with_min_max_vars(x, low, tf.maximum(high, low + SHORTEST), self.bits)

    def _rounded_weight(self, tensor):
        weight, axis = self.weights[tensor], self.graph.weights[tensor]
        if axis is None:
            end = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(weight)), SHORTEST))
            return tf.quantization.fake_quant_with_min_max_vars(weight, -end, end, 8, narrow_range=True)
        order = [n for n in range(weight.shape.rank) if n != axis] + [axis]  # the channels last
        end = tf.reduce_max(tf.abs(weight), order[:-1])
        end = tf.stop_gradient(tf.maximum(end, SHORTEST))
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            tf.transpose(weight, order), -end, end, 8, narrow_range=True
        )
        return tf.transpose(rounded, np.argsort(order))

    def _rounded_constant(self, values):
        """What is not trained: the converter gives it the range of its values and zero."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        return tf.quantization.fake_quant_with_min_max_args(values, low, max(high, low + SHORTEST), self.bits)


def outputs(graph: Graph, values: Mapping[int, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Of all activations the outputs, by name, without the file's own batch axis."""
    found = {name: values[tensor] for name, tensor in graph.outputs.items()}
    return {name: tf.reshape(x, (-1, *x.shape[2:])) for name, x in found.items()}


def finetune(
    model: FakeQuantised,
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    epochs: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[float]:
    """Trains `model` for `epochs` over the windows `training`, input name → (n, …), and leaves it as it was after the
    `kept_epoch` by the windows `held_out`.

    Returns the noise on `held_out` before training and after every epoch, relative to the signal (a power ratio).
    `advance(done, total)` is called after each step.
    """
    graph = model.graph
    teacher = tf.function(lambda inputs: outputs(graph, graph.run(inputs)), reduce_retracing=True)
    student = tf.function(model, reduce_retracing=True)
    power = {name: float(np.mean(np.square(y))) for name, y in answers(teacher, held_out).items()}
    weights, ranges = list(model.weights.values()), list(model.growth.values())
    optimizers = [(tf.keras.optimizers.Adam(WEIGHT_RATE), weights), (tf.keras.optimizers.Adam(RANGE_RATE), ranges)]
    count = len(next(iter(training.values())))
    steps = epochs * max(1, count // BATCH)

    @tf.function(reduce_retracing=True)
    def step(inputs, expected):
        with tf.GradientTape() as tape:
            found = model(inputs)
            loss = noise(expected, found, power)
        gradients = tape.gradient(loss, weights + ranges)
        gradients = [tf.zeros_like(v) if g is None else g for g, v in zip(gradients, weights + ranges, strict=True)]
        for optimizer, variables in optimizers:
            own, gradients = gradients[: len(variables)], gradients[len(variables) :]
            if variables:
                optimizer.apply_gradients(zip(own, variables, strict=True))

    def judge():
        expected, found = answers(teacher, held_out), answers(student, held_out)
        return float(noise(expected, found, power))

    history, best, done = [judge()], model.state(), 0
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
            advance(done, steps)
        history.append(judge())
        if kept_epoch(history) == len(history) - 1:
            best = model.state()
    model.restore(best)
    return history


def kept_epoch(history: Sequence[float]) -> int:
    """The epoch with the least noise, if it is a GAIN on the noise before the first; 0 stands for that."""
    best = int(np.argmin(history))
    return best if history[best] * GAIN <= history[0] else 0


def noise(expected: Mapping, found: Mapping, power: Mapping[str, float]):
    """The mean over the outputs of the power of their difference, relative to the power of the output."""
    ratios = [tf.reduce_mean(tf.square(found[name] - y)) / max(power[name], 1e-12) for name, y in expected.items()]
    return tf.add_n(ratios) / len(ratios)


def answers(model: Callable, windows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name, (n, …), of `model` for many windows, a batch at a time."""
    count = len(next(iter(windows.values())))
    parts = [
        model({name: tf.constant(np.asarray(x[start : start + BATCH], np.float32)) for name, x in windows.items()})
        for start in range(0, count, BATCH)
    ]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}
