"""What the export makes of every layer of a model, told before it is trained.

layer_forms.json is written by benchmarks/layers.py, which converts layers one by one: layer of Keras → form → "exact",
"close" or "no", and "reason". What depends on a layer's settings is found by the rules of each conversion. Neither
needs TensorFlow.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import keras
from keras import layers

from export import tf_private
from export.convert.streaming_step import check_streamable
from export.convert.whole_window import check_int16
from firmware_bench.runtime.errors import InputError
from models_keras.layers.selective_ssm import Int16ActivationLayer

FILE = Path(__file__).with_suffix(".json")
LONGEST_UNROLLED = 64  # steps: an unrolled one takes some 15 operators, 2 kB of a file and of RAM
INTEGERS, STREAM = "integers", "stream"


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """A layer that prevents the export.

    Attributes:
        layer: Its name in the model.
        kind: Its class in Keras.
        reason: Why, and what to use instead.
    """

    layer: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"layer {self.layer!r} ({self.kind}) {self.reason}"


def describe_forms(model: keras.Model, has_history: bool = False) -> dict[str, str | None]:
    """What the export will do with a model.

    Args:
        model: Trained or not.
        has_history: Whether its task states which inputs hold earlier examples, which a step keeps.

    Returns:
        INTEGERS (8 or 16 bits, TensorFlow Lite Micro and C99) and STREAM (`--streaming`) → None where the model is
        exported so, or the reason why not, which names a layer.
    """
    check_integers = check_16_bits if first_16_bit_layer(model) else check_8_bits
    checks = {INTEGERS: check_integers, STREAM: check_integers if has_history else check_stream}
    found: dict[str, str | None] = dict.fromkeys(checks)
    for form, check in checks.items():
        try:
            check(model)
        except InputError as error:
            found[form] = str(error)
    return found


def check_8_bits(model: keras.Model) -> None:
    """Checks that every layer has a form in 8-bit integers.

    Raises:
        InputError: One has none; the message names it.
    """
    for outer, layer in _every_layer(model):
        reason = recurrent_obstacle(layer, outer) or activation_obstacle(layer, "int8") or kind_obstacle(layer)
        if reason:
            raise InputError(str(Obstacle(outer.name, type(layer).__name__, reason)))


def check_16_bits(model: keras.Model) -> None:
    """As `check_8_bits`, with 16-bit activations over a whole window."""
    check_int16(model)
    _check_activations(model, "c99_16")


def check_stream(model: keras.Model) -> None:
    """As `check_8_bits`, of the step of a stream, which has 16-bit activations."""
    check_streamable(model)
    _check_activations(model, "streaming")


def _check_activations(model, form):
    for outer, layer in _every_layer(model):
        if reason := activation_obstacle(layer, form):
            raise InputError(str(Obstacle(outer.name, type(layer).__name__, reason)))


def _every_layer(model) -> Iterator[tuple[Any, Any]]:
    """(layer of the model, it or a layer inside of it)"""
    for outer in model.operations:
        inner = tf_private.flatten_layers(outer) if isinstance(outer, layers.Layer) else []
        for layer in {id(layer): layer for layer in (outer, *inner)}.values():
            yield outer, layer


def first_16_bit_layer(model: keras.Model) -> str | None:
    """The name of the first layer that needs 16-bit activations; None where 8 bits suffice."""
    layers = tf_private.flatten_layers(model)
    return next((layer.name for layer in layers if isinstance(layer, Int16ActivationLayer)), None)


def recurrent_obstacle(layer: Any, outer: Any) -> str | None:
    """Why a recurrent layer has no integer form, and what has; None where it has one, and for other layers.

    Args:
        layer: The layer.
        outer: The layer of the model that it is, or is a part of.
    """
    if not isinstance(layer, layers.RNN):
        return None
    if not isinstance(layer, (layers.LSTM, layers.GRU, layers.SimpleRNN)):
        return "has no integer form: use LSTM or GRU"
    if layer.stateful or layer.return_state:
        return "keeps or returns its state, which has no integer form: leave out stateful and return_state"
    if isinstance(layer, layers.LSTM):
        usual = (layer.activation, layer.recurrent_activation) == (keras.activations.tanh, keras.activations.sigmoid)
        return None if usual and layer.use_bias else "has an integer form with tanh, sigmoid and a bias alone"
    if isinstance(layer, layers.GRU) and layer.recurrent_activation is not keras.activations.sigmoid:
        return "has an integer form with the recurrent activation sigmoid alone"
    count = outer.input.shape[1]
    if count > LONGEST_UNROLLED:
        return (
            f"runs over {count} steps, and is unrolled for integers, up to {LONGEST_UNROLLED}: use LSTM, or pool "
            "the sequence before it"
        )
    return None


def activation_obstacle(layer: Any, form: str) -> str | None:
    """Why the activation of a layer has no integer form, and which have; None where it has one.

    Args:
        layer: The layer.
        form: A column of the table.
    """
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", "")
    if activation is not getattr(keras.activations, name, None) or not is_refused(f"Activation, {name}", form):
        return None
    others = [known.removeprefix("Activation, ") for known in load_table() if known.startswith("Activation, ")]
    usable = ", ".join(other for other in others if not is_refused(f"Activation, {other}", form) and " " not in other)
    return f"has the activation {name}, which has no integer form: use one of {usable}"


def kind_obstacle(layer: Any) -> str | None:
    """Why a layer of Keras has no integer form; None where it has one, and for layers that are not Keras' own."""
    if not type(layer).__module__.startswith("keras.") or isinstance(layer, layers.Activation):
        return None
    rows = [name for name in load_table() if name.split(",")[0] == type(layer).__name__]
    if rows and all(map(is_refused, rows)):
        return f"has no integer form ({load_table()[rows[0]]['reason']})"
    return None


def is_refused(name: str, form: str = "int8") -> bool:
    """Whether a layer of the table has no such form, by its name there."""
    return load_table().get(name, {}).get(form) == "no"


@cache
def load_table() -> Mapping[str, Mapping[str, str]]:
    """Layer → form of the export → what was found."""
    return json.loads(FILE.read_text(encoding="utf-8"))
