"""A selective state space model (SSM) with exact zero-order hold, in operators that have integer kernels.

Mamba's state space (Gu & Dao, arXiv 2312.00752, section 3) follows h' = A h + B x, y = C h for every channel x, with
several states h each. The step Δ, the input projection B and the output projection C are computed from the current
input ("selective"); A is diagonal and negative. Zero-order hold (x constant over a step) is exactly

    h[t] = Ā h[t-1] + B̄ x[t],   Ā = exp(Δ A),   B̄ = A⁻¹ (Ā - 1) B,   Δ = softplus(dt).

For A = -1 both follow from one gate, a sigmoid: exp(-softplus(dt)) = 1 / (1 + e^dt), so Ā = 1 - σ(dt), B̄ = σ(dt) B, and

    h[t] = h[t-1] + gate · (B x[t] - h[t-1]),   gate = σ(dt).

No exponential, logarithm or softplus is left; TensorFlow Lite Micro has integer kernels for none of them.

Mamba gives state n its own A. Here A stays -1 and state n has its own step Δₙ = softplus(dt + dt_biasₙ), with a learned
bias per channel and state. Only the product Δ A decides the decay, so this equals Aₙ(dt) = -softplus(dt + dt_biasₙ) /
softplus(dt): for small steps, where softplus(dt) is e^dt, the constant Aₙ = -exp(dt_biasₙ); for large steps it tends to
-1. The factor 1 / |Aₙ| that B̄ then has is left to the learned B. Mamba uses Δ B for B̄, its first-order term; here it is
exact.

In shapes, `channels` is Mamba's d_inner and `states` its d_state.
"""

import keras
import numpy as np

from models_keras.layers.keras_ops import ops

CHUNK = 8  # steps that the parallel form takes one after the other
INITIAL_DT = (0.001, 0.1)  # Δ of the first and the last channel before training, as in Mamba: memories of 10–1000 steps


def step_state(state, dt, x, B, dt_bias):
    """One step of the recurrence.

    Args:
        state: h[t-1], (..., states, channels).
        dt: step before softplus, (..., channels).
        x: input, (..., channels).
        B: input projection, (..., states).
        dt_bias: (states, channels).

    Returns:
        h[t], (..., states, channels).
    """
    return state + _gate(dt, dt_bias) * (_outer(B, x) - state)


def read_state(C, state):
    """The output y = C h: C (..., states) and state (..., states, channels) → (..., channels)."""
    return ops.squeeze(ops.matmul(ops.expand_dims(C, -2), state), -2)


def _gate(dt, dt_bias):
    """(..., channels) → (..., states, channels)."""
    return ops.sigmoid(ops.expand_dims(dt, -2) + dt_bias)


def _outer(B, x):
    """(..., states) and (..., channels) → (..., states, channels)."""
    return ops.expand_dims(B, -1) * ops.expand_dims(x, -2)


def _dot_channels(states, x):
    """(..., states, channels) and (..., channels) → the sum of products over the channels, (..., states)."""
    return ops.squeeze(ops.matmul(states, ops.expand_dims(x, -1)), -1)


# ------------------------------------------------------------------------------------------------ the recurrence


def scan_sequential(dt, x, B, C, dt_bias):
    """The recurrence step after step. Keeps every state for the gradient.

    Args:
        dt, x: (batch, time, channels).
        B, C: (batch, time, states).
        dt_bias: (states, channels).

    Returns:
        y, (batch, time, channels).
    """
    dt, x, B, C = (ops.moveaxis(v, 1, 0) for v in (dt, x, B, C))  # (time, batch, ·)

    def step(state, inputs):
        dt_t, x_t, B_t = inputs
        state = step_state(state, dt_t, x_t, B_t, dt_bias)
        return state, state

    initial = ops.zeros_like(_outer(B[0], x[0]))  # (batch, states, channels)
    _, states = ops.scan(step, initial, (dt, x, B), length=x.shape[0])  # (time, batch, states, channels)
    return ops.moveaxis(read_state(C, states), 0, 1)  # (batch, time, channels)


def scan_chunks(dt, x, B, C, dt_bias, unrolled=False):
    """The recurrence of `scan_sequential`, chunked: CHUNK steps of all chunks at once.

    First every chunk from a zero state, and how much of an earlier state it keeps; then the states between chunks;
    then all steps again from there. The gradient is written out: it is the same recurrence backwards in time. It
    recomputes the states, so training stores two states per chunk instead of CHUNK.

    Args:
        dt, x, B, C, dt_bias: as in `scan_sequential`.
        unrolled: go from chunk to chunk without a loop operator.

    Returns:
        y, (batch, time, channels).
    """
    time, channels = x.shape[1:]
    carry = _carry_unrolled if unrolled else _carry

    @ops.custom_gradient
    def forward(dt, x, B, C, dt_bias):
        gates = _gates_and_targets(dt, x, B, dt_bias)
        chunk_input, chunk_decay = 0.0, 1.0
        for gate, target in gates:
            chunk_input = chunk_input + gate * (target - chunk_input)
            chunk_decay = chunk_decay - gate * chunk_decay
        initial = carry(chunk_decay, chunk_input)  # (chunks, batch, states, channels)
        outputs = [read_state(c, state) for c, state in zip(_split_steps(C), _states(initial, gates)[1:], strict=True)]

        def backward(grad_y):
            zero = _zero_depending_on(grad_y)
            return _gradients(carry, grad_y, *(v + zero for v in (dt, x, B, C, dt_bias, initial, chunk_decay)))

        return ops.stack(outputs), backward

    y = forward(*(_to_chunks(v) for v in (dt, x, B, C)), dt_bias)  # (CHUNK, chunks, batch, channels)
    y = ops.transpose(y, (2, 1, 0, 3))  # (batch, chunks, CHUNK, channels)
    y = ops.reshape(y, (-1, y.shape[1] * CHUNK, channels))  # (batch, chunks · CHUNK, channels)
    return y[:, :time]


def _gradients(carry, grad_y, dt, x, B, C, dt_bias, initial, chunk_decay):
    """The gradients by dt, x, B, C (CHUNK, chunks, batch, ·) and dt_bias.

    `grad_state` is the gradient by the state: what the step's own output contributes, plus what later steps keep.
    """
    gates = _gates_and_targets(dt, x, B, dt_bias)
    states = _states(initial, gates)
    grad_outputs = [_outer(c, dy) for c, dy in zip(_split_steps(C), _split_steps(grad_y), strict=True)]

    grad_state = 0.0
    for (gate, _), grad_output in zip(gates[::-1], grad_outputs[::-1], strict=True):
        grad_state = grad_state + grad_output
        grad_state = grad_state - gate * grad_state
    grad_state = carry(chunk_decay, grad_state, reverse=True)

    grads, grad_dt_bias = [], 0.0
    for t in reversed(range(CHUNK)):
        gate, target = gates[t]
        grad_state = grad_state + grad_outputs[t]
        grad_target = gate * grad_state
        grad_state = grad_state - grad_target
        grad_gate_input = grad_state * gate * (target - states[t])  # by dt + dt_bias: σ' is σ (1 - σ)
        grad_dt_bias = grad_dt_bias + ops.sum(grad_gate_input, (0, 1))
        grad_B, grad_C = _dot_channels(grad_target, x[t]), _dot_channels(states[t + 1], grad_y[t])
        grads.append((ops.sum(grad_gate_input, -2), read_state(B[t], grad_target), grad_B, grad_C))
    return *(ops.stack(grad[::-1]) for grad in zip(*grads, strict=True)), grad_dt_bias


def _split_steps(x):
    """(CHUNK, ...) → CHUNK tensors."""
    return ops.unstack(x, CHUNK, axis=0)


def _gates_and_targets(dt, x, B, dt_bias):
    """Per step, for all chunks: the gate σ(dt) and the target B x, each (chunks, batch, states, channels)."""
    steps = zip(_split_steps(dt), _split_steps(x), _split_steps(B), strict=True)
    return [(_gate(dt_t, dt_bias), _outer(B_t, x_t)) for dt_t, x_t, B_t in steps]


def _states(initial, gates):
    """The states before, between and after the steps of a chunk: CHUNK + 1 of (chunks, batch, states, channels)."""
    states = [initial]
    for gate, target in gates:
        states.append(states[-1] + gate * (target - states[-1]))
    return states


def _zero_depending_on(x):
    """Zero, computed from `x`: what it is added to cannot be taken from the forward pass, hence is not stored."""
    first = ops.ravel(x)[0]
    return ops.where(first == first, 0.0, first)


def _to_chunks(x):
    """(batch, time, c) → (CHUNK, chunks, batch, c); the last chunk is padded with zeros, which nothing reads."""
    count = -(-x.shape[1] // CHUNK)
    x = ops.pad(x, ((0, 0), (0, count * CHUNK - x.shape[1]), (0, 0)))  # (batch, chunks · CHUNK, c)
    x = ops.reshape(x, (-1, count, CHUNK, x.shape[2]))  # (batch, chunks, CHUNK, c)
    return ops.transpose(x, (2, 1, 0, 3))  # (CHUNK, chunks, batch, c)


def _carry(decay, inputs, reverse=False):
    """The state before each chunk, or with `reverse` after it: decay, inputs and the result are (chunks, ...)."""

    def step(state, chunk):
        chunk_decay, chunk_input = chunk
        return chunk_decay * state + chunk_input, state

    return ops.scan(step, ops.zeros_like(inputs[0]), (decay, inputs), length=inputs.shape[0], reverse=reverse)[1]


def _carry_unrolled(decay, inputs, reverse=False):
    """`_carry` without a loop operator."""
    count = inputs.shape[0]
    chunks = list(zip(ops.unstack(decay, count, axis=0), ops.unstack(inputs, count, axis=0), strict=True))
    states = [ops.zeros_like(chunks[0][1])]
    for chunk_decay, chunk_input in chunks[:0:-1] if reverse else chunks[:-1]:
        states.append(chunk_decay * states[-1] + chunk_input)
    return ops.stack(states[::-1] if reverse else states)


def scan_unrolled(dt, x, B, C, dt_bias):
    """`scan_chunks` without a loop operator: its operations can be counted, and the converter needs no WHILE."""
    return scan_chunks(dt, x, B, C, dt_bias, unrolled=True)


FORMS = {"scan": scan_sequential, "parallel": scan_chunks, "unrolled": scan_unrolled}

# ------------------------------------------------------------------------------------------------ the layer


def initial_dt_bias(shape, dtype=None):
    """dt_bias (states, channels) before training, where dt is 0: channel d has the step Δd, and state n decays with
    Aₙ = -n, as in Mamba."""
    states, channels = shape
    steps = np.geomspace(*INITIAL_DT, channels)
    return ops.convert_to_tensor(np.log(np.expm1(steps)) + np.log(np.arange(1, states + 1))[:, None], dtype=dtype)


class Int16ActivationLayer(keras.layers.Layer):
    """A layer that loses its accuracy in 8-bit activations: the export converts a model that has one in 16 bits."""


@keras.saving.register_keras_serializable("ecg_edge")
class SelectiveSSM(Int16ActivationLayer):
    """Every channel through `states` selective states of its own: (batch, time, channels) → (batch, time, channels).

    Weights: `dt_down` (channels, rank) and `dt_up` (rank, channels) give dt, `B_proj` and `C_proj` (channels, states)
    give B and C, `dt_bias` (states, channels), and `D` (channels,) adds a share of the input to the output (Mamba's D).
    8-bit activations cost accuracy: a step adds less to a state than one quantisation step (SQNR 17 dB, 36 in 16 bits).

    Args:
        states: states per channel.
        rank: of the projection to dt.
        backwards: run in reverse time.
        form: how the recurrence is computed, one of FORMS: outputs and gradients are the same.

    Raises:
        ValueError: `form` is unknown.
    """

    def __init__(self, states=16, rank=4, backwards=False, form="parallel", **kwargs):
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"no form {form!r} of the recurrence: choose one of {', '.join(FORMS)}")
        self.states, self.rank, self.backwards, self.form = states, rank, backwards, form

    def build(self, input_shape):
        channels = input_shape[-1]
        self.dt_down = self.add_weight(shape=(channels, self.rank), name="dt_down")
        self.dt_up = self.add_weight(shape=(self.rank, channels), name="dt_up")
        self.B_proj = self.add_weight(shape=(channels, self.states), name="B_proj")
        self.C_proj = self.add_weight(shape=(channels, self.states), name="C_proj")
        self.dt_bias = self.add_weight(shape=(self.states, channels), initializer=initial_dt_bias, name="dt_bias")
        self.D = self.add_weight(shape=(channels,), initializer="ones", name="D")

    def call(self, x):
        if self.backwards:
            x = ops.flip(x, 1)
        dt = ops.matmul(ops.matmul(x, self.dt_down), self.dt_up)  # (batch, time, channels)
        B, C = ops.matmul(x, self.B_proj), ops.matmul(x, self.C_proj)  # (batch, time, states)
        dt_bias = ops.copy(self.dt_bias)  # a tensor: TensorFlow's custom gradients refuse variables as arguments
        y = FORMS[self.form](dt, x, B, C, dt_bias) + self.D * x
        return ops.flip(y, 1) if self.backwards else y

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        settings = {"states": self.states, "rank": self.rank, "backwards": self.backwards, "form": self.form}
        return {**super().get_config(), **settings}
