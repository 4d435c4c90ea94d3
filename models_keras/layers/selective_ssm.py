"""A selective state space whose zero-order hold is a sigmoid, computed in several ways from one set of weights.

The state space of Mamba (arXiv 2312.00752) follows h' = A h + B x, y = C h for every channel x, with several states h
each. The step Δ, the input B and the output C are computed from the input of the moment ("selective"); A is diagonal
and negative. With x held constant over a step (zero-order hold) that is exactly

    h[t] = Ā h[t-1] + B̄ x[t],   Ā = exp(Δ A),   B̄ = A⁻¹ (Ā - 1) B,   Δ = softplus(z).

For A = -1 both come from one sigmoid: exp(-softplus(z)) = 1 / (1 + eᶻ), so Ā = 1 - σ(z), B̄ = σ(z) B, and

    h[t] = h[t-1] + σ(z) (B x[t] - h[t-1]):

the state moves the share σ(z) of the way to B x. No exponential, logarithm or softplus is left, none of which
TensorFlow Lite Micro has for integers.

Mamba gives state n an A of its own. Here A stays -1 and state n has a step of its own, Δₙ = softplus(z + βₙ), with a
learned βₙ per channel. Only the product Δ A decides the decay, so that is Aₙ(z) = -softplus(z + βₙ) / softplus(z):
for small steps, where softplus(z) is eᶻ, the constant Aₙ = -exp(βₙ); for large steps it tends to -1. The factor
1 / |Aₙ| that B̄ then has is left to the learned B. Mamba takes Δ B for B̄, its first-order term; here it is exact.
"""

import keras
import numpy as np
from keras import ops

CHUNK = 8  # steps that the parallel form takes one after the other
STEPS = (0.001, 0.1)  # the first and the last channel's Δ before training, as in Mamba: memories of 10 to 1000 steps


def advance(state, z, x, b, bias):
    """One step: state (..., states, width), z and x (..., width), b (..., states), bias (states, width) → state."""
    return state + _gate(z, bias) * (_outer(b, x) - state)


def read(c, state):
    """What the outputs c (..., states) make of state (..., states, width): (..., width)."""
    return ops.squeeze(ops.matmul(ops.expand_dims(c, -2), state), -2)


def _gate(z, bias):
    return ops.sigmoid(ops.expand_dims(z, -2) + bias)


def _outer(b, x):
    """(..., states) and (..., width) → (..., states, width)."""
    return ops.expand_dims(b, -1) * ops.expand_dims(x, -2)


def scan(z, x, b, c, bias):
    """The recurrence as it is written, step after step: z and x (batch, time, width), b and c (batch, time, states),
    bias (states, width) → (batch, time, width). Keeps every state for the gradient."""
    z, x, b, c = (ops.moveaxis(v, 1, 0) for v in (z, x, b, c))  # (time, batch, ·)

    def step(state, inputs):
        state = advance(state, *inputs, bias)
        return state, state

    start = ops.zeros_like(_outer(b[0], x[0]))
    _, states = ops.scan(step, start, (z, x, b), length=x.shape[0])  # (time, batch, states, width)
    return ops.moveaxis(read(c, states), 0, 1)


def parallel(z, x, b, c, bias, unrolled=False):
    """The same as `scan`, all chunks of CHUNK steps at once: what every chunk adds from zero and what it keeps of the
    state before it, then the states between chunks, then all steps again from there.

    The gradient is spelled out: it is the same recurrence backwards in time. It needs the states and computes them once
    more, so what training remembers is two states per chunk. `unrolled` goes from chunk to chunk without a loop
    operator.
    """
    time, width = x.shape[1:]
    between = _between_unrolled if unrolled else _between

    @ops.custom_gradient
    def chunked(z, x, b, c, bias):
        moves = _moves(z, x, b, bias)
        added, kept = 0.0, 1.0
        for gate, target in moves:
            added = added + gate * (target - added)
            kept = kept - gate * kept
        start = between(kept, added)  # (chunks, batch, states, width)
        outputs = [read(c, state) for c, state in zip(_steps(c), _states(start, moves)[1:], strict=True)]

        def gradients(upstream):
            later = _zero_after(upstream)
            return _gradients(*(v + later for v in (z, x, b, c, bias, start, kept)), between, upstream)

        return ops.stack(outputs), gradients

    y = chunked(*(_chunks(v) for v in (z, x, b, c)), bias)  # (CHUNK, chunks, batch, width)
    y = ops.reshape(ops.transpose(y, (2, 1, 0, 3)), (-1, y.shape[1] * CHUNK, width))  # (batch, chunks · CHUNK, width)
    return y[:, :time]


def _gradients(z, x, b, c, bias, start, kept, between, upstream):
    """By z, x, b, c (CHUNK, chunks, batch, ·) and bias, where `upstream` is the gradient by the outputs. The gradient
    by a state, `owed`, comes back through what the later steps keep of it."""
    moves = _moves(z, x, b, bias)
    states = _states(start, moves)
    by_state = [_outer(c, dy) for c, dy in zip(_steps(c), _steps(upstream), strict=True)]

    owed = 0.0
    for (gate, _), d_state in zip(moves[::-1], by_state[::-1], strict=True):
        owed = owed + d_state
        owed = owed - gate * owed
    owed = between(kept, owed, reverse=True)

    d_steps, d_bias = [], 0.0
    for t in reversed(range(CHUNK)):
        gate, target = moves[t]
        owed = owed + by_state[t]
        moved = gate * owed
        owed = owed - moved
        d_sum = owed * gate * (target - states[t])  # by z + bias: σ' is σ (1 - σ)
        d_bias = d_bias + ops.sum(d_sum, (0, 1))
        d_b, d_c = _across(moved, x[t]), _across(states[t + 1], upstream[t])
        d_steps.append((ops.sum(d_sum, -2), read(b[t], moved), d_b, d_c))
    return *(ops.stack(d[::-1]) for d in zip(*d_steps, strict=True)), d_bias


def _steps(x):
    return ops.unstack(x, CHUNK, axis=0)


def _moves(z, x, b, bias):
    """Per step of all chunks, how far and towards what the states move: two (chunks, batch, states, width)."""
    return [(_gate(z, bias), _outer(b, x)) for z, x, b in zip(_steps(z), _steps(x), _steps(b), strict=True)]


def _states(state, moves):
    """The states before, between and after `moves`."""
    states = [state]
    for gate, target in moves:
        states.append(states[-1] + gate * (target - states[-1]))
    return states


def _zero_after(x):
    """Zero, but not before `x` is known: whatever it is added to cannot be taken from earlier, hence not be kept."""
    first = ops.ravel(x)[0]
    return ops.where(first == first, 0.0, first)


def _chunks(x):
    """(batch, time, c) → (CHUNK, chunks, batch, c); the last chunk is filled up with zeros, which nothing reads."""
    count = -(-x.shape[1] // CHUNK)
    x = ops.pad(x, ((0, 0), (0, count * CHUNK - x.shape[1]), (0, 0)))
    x = ops.reshape(x, (-1, count, CHUNK, x.shape[2]))  # (batch, chunks, CHUNK, c)
    return ops.transpose(x, (2, 1, 0, 3))


def _across(states, x):
    """(..., states, width) and (..., width) → their product summed over the width, (..., states)."""
    return ops.squeeze(ops.matmul(states, ops.expand_dims(x, -1)), -1)


def _between(kept, added, reverse=False):
    """The state before each chunk, or with `reverse` after it, of chunks that keep and add: all (chunks, ...)."""

    def step(state, chunk):
        return chunk[0] * state + chunk[1], state

    return ops.scan(step, ops.zeros_like(added[0]), (kept, added), length=added.shape[0], reverse=reverse)[1]


def _between_unrolled(kept, added, reverse=False):
    """`_between` without a loop operator."""
    count = added.shape[0]
    chunks = list(zip(ops.unstack(kept, count, axis=0), ops.unstack(added, count, axis=0), strict=True))
    states = [ops.zeros_like(chunks[0][1])]
    for keeps, adds in chunks[:0:-1] if reverse else chunks[:-1]:
        states.append(keeps * states[-1] + adds)
    return ops.stack(states[::-1] if reverse else states)


def unrolled(z, x, b, c, bias):
    """`parallel` without a loop operator: its work can be counted, operator by operator."""
    return parallel(z, x, b, c, bias, unrolled=True)


FORMS = {"scan": scan, "parallel": parallel, "unrolled": unrolled}


def initial_bias(shape, dtype=None):
    """z + bias before training for z = 0: channel d has step Δd, state n decays with Aₙ = -n, as in Mamba."""
    states, width = shape
    steps = np.geomspace(*STEPS, width)
    return ops.convert_to_tensor(np.log(np.expm1(steps)) + np.log(np.arange(1, states + 1))[:, None], dtype=dtype)


@keras.saving.register_keras_serializable("ecg_edge")
class SelectiveSSM(keras.layers.Layer):
    """(batch, time, width) → (batch, time, width): every channel through `states` selective states of its own.

    The selection network is linear: z by way of `rank` values, B and C directly. A learned share of the input is added
    to the output. `backwards` runs in reverse time. `form`, one of FORMS, is how the recurrence is computed: all give
    the same outputs and gradients from the same weights.

    With a state (batch, states, width), zeros at first, the layer makes one step instead, for streams:
    (batch, width) → (batch, width) and the next state.
    Raises ValueError for an unknown form, and for a step backwards.
    """

    # What a step adds to a state is less than the step of an 8-bit scale: 17 dB, against 36 in 16 bits.
    needs_16_bits = True

    def __init__(self, states=16, rank=4, backwards=False, form="parallel", **kwargs):
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"no form {form!r} of the recurrence: choose one of {', '.join(FORMS)}")
        self.states, self.rank, self.backwards, self.form = states, rank, backwards, form

    def build(self, x_shape, state_shape=None):
        width = x_shape[-1]
        self.narrow = self.add_weight(shape=(width, self.rank), name="narrow")
        self.widen = self.add_weight(shape=(self.rank, width), name="widen")
        self.to_b = self.add_weight(shape=(width, self.states), name="to_b")
        self.to_c = self.add_weight(shape=(width, self.states), name="to_c")
        self.bias = self.add_weight(shape=(self.states, width), initializer=initial_bias, name="bias")
        self.skip = self.add_weight(shape=(width,), initializer="ones", name="skip")

    def call(self, x, state=None):
        if self.backwards:
            if state is not None:
                raise ValueError("a layer that runs backwards in time cannot make a step: it needs the whole sequence")
            x = ops.flip(x, 1)
        z = ops.matmul(ops.matmul(x, self.narrow), self.widen)
        b, c = ops.matmul(x, self.to_b), ops.matmul(x, self.to_c)
        bias = ops.copy(self.bias)  # a tensor: TensorFlow's custom gradients refuse variables among their arguments
        if state is not None:
            state = advance(state, z, x, b, bias)
            return read(c, state) + self.skip * x, state
        y = FORMS[self.form](z, x, b, c, bias) + self.skip * x
        return ops.flip(y, 1) if self.backwards else y

    def compute_output_shape(self, x_shape, state_shape=None):
        return x_shape if state_shape is None else (x_shape, state_shape)

    def get_config(self):
        settings = {"states": self.states, "rank": self.rank, "backwards": self.backwards, "form": self.form}
        return {**super().get_config(), **settings}
