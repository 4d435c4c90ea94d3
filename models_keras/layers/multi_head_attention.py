"""Multi-head attention ("Attention Is All You Need", arXiv 1706.03762) as matrix products, for integer kernels."""

import keras

from models_keras.layers.keras_ops import ops

# The additive bias of a masked key: e^-8 is 0.03 % of a weight, and a range of 8 leaves 8-bit scores their resolution,
# which the usual -1000 would not.
MASKED = -8.0


def attend(queries, keys, values, heads, bias=None):
    """Scaled dot-product attention.

    Args:
        queries: (batch, q, width).
        keys: (batch, k, width).
        values: (batch, k, v).
        heads: width and v must be multiples of it.
        bias: added to the scores, broadcast to (batch, heads, q, k): 0 or MASKED for a mask.

    Returns:
        Outputs (batch, q, v), and weights (batch, heads, q, k), which sum to 1 over the keys.
    """
    queries = queries * (queries.shape[-1] // heads) ** -0.5
    queries, keys, values = (_split(x, heads) for x in (queries, keys, values))  # (batch, heads, tokens, width / heads)
    scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))  # (batch, heads, q, k)
    weights = ops.softmax(scores if bias is None else scores + bias, axis=-1)
    outputs = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))  # (batch, q, heads, v / heads)
    return ops.reshape(outputs, (-1, outputs.shape[1], heads * outputs.shape[3])), weights  # (batch, q, v)


def _split(x, heads):
    """(batch, tokens, width) → (batch, heads, tokens, width / heads)."""
    x = ops.reshape(x, (-1, x.shape[1], heads, x.shape[2] // heads))  # (batch, tokens, heads, width / heads)
    return ops.transpose(x, (0, 2, 1, 3))  # (batch, heads, tokens, width / heads)


@keras.saving.register_keras_serializable("ecg_edge")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with projections of query, key, value and output, each with bias.

    call(query, value, key=None, bias=None): query (..., q, c), value and key (..., k, c), key the value by default →
    (..., q, width), and with `return_weights` the weights (..., heads, q, k). Leading axes beyond the batch (such as
    time steps) are folded into it; `bias` must then broadcast over them.

    The projections are convolutions of kernel size 1: in integers those have a scale per channel, and LiteRT and
    TensorFlow Lite Micro compute them bit-identically, while they round a fully connected layer differently at times.

    Args:
        heads: number of heads.
        width: of every projection.
        return_weights: also return the attention weights.

    Raises:
        ValueError: `width` is not a multiple of `heads`.
    """

    def __init__(self, heads, width, return_weights=False, **kwargs):
        super().__init__(**kwargs)
        if width % heads:
            raise ValueError(f"a width of {width} does not divide into {heads} heads: choose a multiple")
        self.heads, self.width, self.return_weights = heads, width, return_weights
        # `mixed` is the output projection; saved models know it by this name.
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
        inputs = [ops.reshape(x, (-1, *x.shape[-2:])) if leading else x for x in inputs]  # (batch · leading, tokens, c)
        projections = self.query, self.key, self.value
        queries, keys, values = (project(x) for project, x in zip(projections, inputs, strict=True))
        outputs, weights = attend(queries, keys, values, self.heads, bias)
        outputs = self.mixed(outputs)  # (batch · leading, q, width)
        if leading:
            # (batch, *leading, q, width), (batch, *leading, heads, q, k)
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
class PaddingBias(keras.layers.Layer):
    """The additive attention bias that masks padding: (tokens,) → (1, 1, tokens), 0 for valid tokens, else MASKED.

    Its input are the weights of a masked mean: 1 / n for n valid tokens, 0 for padding. As n is at most the number of
    tokens, tokens · weight is at least 1 for a valid token, so that relu(1 - tokens · weight) is 0 there and 1 for
    padding. These operators have integer kernels, comparisons have none. Rounding errors of the zeros are the same for
    all valid tokens, and a softmax is invariant to that.
    """

    def call(self, weights):
        tokens = weights.shape[1]
        bias = MASKED * ops.relu(1 - tokens * weights)  # (batch, tokens)
        return ops.reshape(bias, (-1, 1, 1, tokens))  # (batch, 1, 1, tokens)

    def compute_output_shape(self, shape):
        return (shape[0], 1, 1, shape[1])
