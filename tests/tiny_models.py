"""Registered architectures with what they take and learn from, for tests that run for every one of them."""

import functools

import keras
import numpy as np

from ecg_edge.tasks import TASKS
from ecg_edge.tasks.predictor import keras_inputs
from ecg_edge.training.config import SignalConfig
from ecg_edge.training.losses import find_loss
from models_keras.layers.variational import start_epoch
from models_keras.registry import find


def task_of(name, preset="tiny"):
    """The architecture's task, with as many classes as the architecture has in its paper."""
    architecture = find(name)
    kind = TASKS[architecture.task]
    classes = [str(number) for number in range(architecture.classes)]
    return kind(classes, kind.Options(**architecture.presets[preset].task))


def built(name, preset="tiny", leads=None):
    """The model of a preset, for windows of the preset's own length; by default for the first number of leads that its
    parameters are counted for."""
    architecture = find(name)
    chosen = architecture.presets[preset]
    samples = task_of(name, preset).input_length(SignalConfig(**chosen.signal).window_spec())
    keras.utils.set_random_seed(0)
    leads = leads or next(iter(chosen.parameters))
    return architecture.build(samples, leads, architecture.classes, **chosen.model)


@functools.cache
def shared(name):
    """The tiny preset's model, for tests that leave it as it is."""
    return built(name)


def compiled(name, optimizer, **how):
    """A tiny preset's model, compiled with the loss that the pipeline gives it, as in a first epoch."""
    model, task = built(name), task_of(name)
    model.compile(optimizer, loss=find_loss(task.loss), **how)
    start_epoch(model, 1)
    return model


def inputs_of(model, targets):
    """Random inputs by name, one for each of `targets` (n, …), whose level depends on the target."""
    random = np.random.default_rng(0)
    inputs = {}
    for tensor in model.inputs:
        shape = tensor.shape[1:]
        if tensor.name == "weights":  # of a mean over the first beats
            beats = random.integers(1, shape[0] + 1, size=(len(targets), 1))
            values = (np.arange(shape[0]) < beats) / beats
        else:
            values = random.normal(size=(len(targets), *shape))
            values += np.reshape(targets, (len(targets), -1)).sum(axis=1).reshape(-1, *[1] * len(shape))
        inputs[tensor.name] = values.astype(np.float32)
    return inputs


def targets_of(name, count):
    """What the architecture's outputs are compared with for `count` examples."""
    classes = find(name).classes
    if task_of(name).output == "labels":
        return (np.arange(count)[:, None] // 2 ** np.arange(classes) % 2).astype(np.float32)
    return np.arange(count) % classes


def predicted(model, inputs):
    """The outputs by name."""
    outputs = model(keras_inputs(inputs), training=False)
    outputs = outputs if isinstance(outputs, dict) else dict(zip(model.output_names, [outputs], strict=True))
    return {name: keras.ops.convert_to_numpy(values) for name, values in outputs.items()}


def trainable(model):
    """How many parameters are trained."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
