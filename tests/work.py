"""The work of a model, counted in TensorFlow's graph of it."""

import tensorflow as tf
from keras import ops

from models_keras.layers import selective_ssm


def work(model, shape, monkeypatch):
    """Numbers written by all operators of `model` for an input of `shape`. A graph holds the operators of a loop once,
    however often it runs: state spaces go from chunk to chunk without one."""
    monkeypatch.setattr(selective_ssm, "_between", between)
    function = tf.function(model).get_concrete_function(tf.TensorSpec(shape))
    return sum(output.shape.num_elements() for op in function.graph.get_operations() for output in op.outputs)


def between(kept, added):
    count = added.shape[0]
    chunks = list(zip(ops.unstack(kept, count, axis=0), ops.unstack(added, count, axis=0), strict=True))
    states = [ops.zeros_like(chunks[0][1])]
    for keeps, adds in chunks[:-1]:
        states.append(keeps * states[-1] + adds)
    return ops.stack(states)
