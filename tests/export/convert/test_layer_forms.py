"""What the export makes of a layer is told before training, by the layer's name in Keras."""

import json
import re

import keras
import pytest
from keras import layers

from export.convert.conversion_job import ExportWindows
from export.convert.layer_forms import FILE, INTEGERS, LONGEST_UNROLLED, STREAM, describe_forms, load_table
from export.convert.strategies import Int8Strategy
from firmware_bench.runtime.errors import InputError

EIGHT_BITS = {"int8", "qat", "rpi", "c99_8"}
FORMS = EIGHT_BITS | {"streaming", "c99_16"}


def model_of(*layers_of_model, samples=32):
    x = ecg = keras.Input((samples, 4), name="ecg")
    for layer in layers_of_model:
        x = layer(x)
    return keras.Model(ecg, x)


def test_the_table_names_every_form_of_every_layer():
    table = load_table()
    assert len(table) > 70 and all(set(row) - {"reason"} == FORMS for row in table.values())
    assert {row[form] for row in table.values() for form in FORMS} == {"exact", "close", "no"}
    assert all(("reason" in row) == ("no" in {row[form] for form in EIGHT_BITS}) for row in table.values())


def test_the_table_is_the_kept_result():
    result = json.loads((FILE.parents[2] / "benchmarks" / "results" / "layers.json").read_text())
    rows = {row["layer"]: {key: row[key] for key in row if key in FORMS | {"reason"}} for row in result["rows"]}
    assert rows == load_table()


def test_what_tensorflow_lite_micro_has_integers_for_is_exported():
    without = {"Activation, softplus", "Activation, exponential", "Activation, mish"}  # LOG, and EXP of 8 bits
    for form in ("int8", "rpi", "c99_8"):
        assert {name for name, forms in load_table().items() if forms[form] == "no"} <= without
    assert {name for name, forms in load_table().items() if forms["qat"] == "no"} == without | {"SelectiveSSM"}


def test_a_model_of_known_layers_has_no_obstacle():
    model = model_of(layers.Conv1D(8, 3, padding="causal"), layers.ReLU(), layers.GlobalAveragePooling1D())
    assert describe_forms(model) == {INTEGERS: None, STREAM: None}
    assert describe_forms(model_of(layers.Bidirectional(layers.LSTM(3))))[INTEGERS] is None


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            layers.Activation("softplus", name="act"),
            r"'act' \(Activation\) has .* softplus.* use one of .*relu",
        ),
        (
            layers.Dense(3, activation="mish", name="out"),
            r"'out' \(Dense\) has .* mish, .* use one of .*gelu",
        ),
        (layers.GRU(3, name="memory"), rf"'memory' \(GRU\) runs over {LONGEST_UNROLLED + 1} steps.*use LSTM"),
        (
            layers.Bidirectional(layers.GRU(3), name="both"),
            r"'both' \(GRU\) runs over .* use LSTM, or pool the sequence before it",
        ),
    ],
)
def test_a_layer_without_integers_is_named_with_one_that_has_them(layer, message):
    model = model_of(layer, samples=LONGEST_UNROLLED + 1)
    told = describe_forms(model)[INTEGERS]
    assert told and "\n" not in told and re.search(message, told)
    with pytest.raises(InputError, match=message):  # and the export itself says the same, before it converts
        Int8Strategy().prepare(model, ExportWindows({}, {}))


def test_a_stream_names_its_own_obstacle():
    forms = describe_forms(model_of(layers.Bidirectional(layers.LSTM(4), name="both")))
    assert forms[INTEGERS] is None and "'both' (Bidirectional) runs backwards in time" in str(forms[STREAM])
    forms = describe_forms(model_of(layers.GRU(4), samples=LONGEST_UNROLLED + 1))
    assert forms[STREAM] is None and "unrolled" in str(forms[INTEGERS])
    forms = describe_forms(model_of(layers.Dense(4, "softsign", name="out")))
    assert forms[INTEGERS] is None and "'out' (Dense) has the activation softsign" in str(forms[STREAM])
    assert describe_forms(model_of(layers.Flatten()), has_history=True)[STREAM] is None
