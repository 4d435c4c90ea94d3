"""Attention spelled out in matrix products, so that it can become integer operators."""

import keras
from keras import ops

# What the additive mask gives a masked key: e^-8 is 0.03 % of a weight, and 8 leaves an 8-bit score its resolution,
# which the usual -1000 would use up.
MASKED = -8.0


def attend(queries, keys, values, heads, bias=None):
    """Scaled dot-product attention: queries (batch, q, width), keys (batch, k, width) and values (batch, k, v) →
    (batch, q, v), and the weights (batch, heads, q, k), which sum to one over the keys.

    `bias`, of a shape that broadcasts to (batch, heads, q, k), is added to the scores: 0 or MASKED for a mask.
    The widths must be multiples of `heads`.
    """
    queries = queries * (queries.shape[-1] // heads) ** -0.5
    queries, keys, values = (_split(x, heads) for x in (queries, keys, values))  # (batch, heads, tokens, width / heads)
    scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))  # (batch, heads, q, k)
    weights = ops.softmax(scores if bias is None else scores + bias, axis=-1)
    mixed = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))  # (batch, q, heads, v / heads)
    return ops.reshape(mixed, (-1, mixed.shape[1], heads * mixed.shape[3])), weights


def _split(x, heads):
    """(batch, tokens, width) → (batch, heads, tokens, width / heads)."""
    x = ops.reshape(x, (-1, x.shape[1], heads, x.shape[2] // heads))  # (batch, tokens, heads, width / heads)
    return ops.transpose(x, (0, 2, 1, 3))


@keras.saving.register_keras_serializable("ecg_edge")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with projections of query, key, value and output, each with bias, all `width` wide.

    call(query, value, key=None, bias=None) → (..., q, width): query (..., q, c), value and key (..., k, c), key the
    value by default. Leading axes beyond the batch (one attention per time step, say) are folded into it, and then
    `bias` must broadcast over them. With return_weights also the weights, (..., heads, q, k).
    Raises ValueError where `width` is not a multiple of `heads`.

    The projections are convolutions of one tap: in integers those have a scale per channel, and LiteRT and TensorFlow
    Lite Micro agree on them in every bit, while they round a fully connected layer differently now and then.
    """

    def __init__(self, heads, width, return_weights=False, **kwargs):
        super().__init__(**kwargs)
        if width % heads:
            raise ValueError(f"a width of {width} does not divide into {heads} heads: choose a multiple")
        self.heads, self.width, self.return_weights = heads, width, return_weights
        self.query, self.key, self.value, self.mixed = (
            keras.layers.Conv1D(width, 1, name=name) for name in ("query", "key", "value", "mixed")
        )

    def build(self, query_shape, value_shape, key_shape=None, bias_shape=None):
        self.query.build((None, *query_shape[-2:]))
        self.key.build((None, *(key_shape or value_shape)[-2:]))
        self.value.build((None, *value_shape[-2:]))
        self.mixed.build((None, query_shape[-2], self.width))

    def call(self, query, value, key=None, bias=None):
        leading = query.shape[1:-2]
        inputs = query, value if key is None else key, value
        # (batch · leading, tokens, c)
        inputs = [ops.reshape(x, (-1, *x.shape[-2:])) if leading else x for x in inputs]
        projections = self.query, self.key, self.value
        queries, keys, values = (project(x) for project, x in zip(projections, inputs, strict=True))
        outputs, weights = attend(queries, keys, values, self.heads, bias)
        outputs = self.mixed(outputs)  # (batch · leading, q, width)
        if leading:
            outputs, weights = (ops.reshape(x, (-1, *leading, *x.shape[1:])) for x in (outputs, weights))
        return (outputs, weights) if self.return_weights else outputs

    def compute_output_shape(self, query_shape, value_shape, key_shape=None, bias_shape=None):
        outputs = (*query_shape[:-1], self.width)
        weights = (*query_shape[:-2], self.heads, query_shape[-2], value_shape[-2])
        return (outputs, weights) if self.return_weights else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "width": self.width,
            "return_weights": self.return_weights,
        }


@keras.saving.register_keras_serializable("ecg_edge")
class LearnedPositions(keras.layers.Layer):
    """Adds a learned row of a (longest, c) table to each of the tokens: (tokens, c) → (tokens, c)."""

    def __init__(self, longest, **kwargs):
        super().__init__(**kwargs)
        self.longest = longest

    def build(self, shape):
        if shape[1] > self.longest:
            raise ValueError(f"{shape[1]} tokens, but positions for {self.longest}: shorten the sequence")
        self.table = self.add_weight(
            shape=(self.longest, shape[2]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="table"
        )

    def call(self, x):
        return x + self.table[: x.shape[1]]

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "longest": self.longest}


@keras.saving.register_keras_serializable("ecg_edge")
class PaddingBias(keras.layers.Layer):
    """The additive bias that hides padding from attention, from the weights of a masked mean, which are 1/n for n valid
    tokens and 0 for padding: (tokens,) → (1, 1, tokens), 0 for valid tokens and MASKED for padding.

    As n is at most the number of tokens, tokens · weight is at least 1 where a token is valid: the rectified rest to
    1 is 0 there and 1 for padding. Comparisons have no place in an integer graph; this is a product, a difference and
    a ReLU, and whatever rounding leaves of the zeros is the same for all valid tokens, which a softmax does not see.
    """

    def call(self, weights):
        tokens = weights.shape[1]
        bias = MASKED * ops.relu(1 - tokens * weights)
        return ops.reshape(bias, (-1, 1, 1, tokens))

    def compute_output_shape(self, shape):
        return (shape[0], 1, 1, shape[1])
