"""What tensorflow-model-optimization can do for these models: nothing yet. Should this fail, look again."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, keras, tf_keras
import tensorflow_model_optimization as tfmot

def refused(model):
    try:
        tfmot.quantization.keras.quantize_model(model)
    except (RuntimeError, ValueError) as error:
        return str(error)

def legacy(*layers):
    return tf_keras.Sequential([tf_keras.layers.InputLayer((32, 4)), *layers])

ecg, old = keras.Input((32, 4)), tf_keras.layers
series = tf_keras.Input((32, 4))
print(json.dumps({
    "Keras 3": refused(keras.Model(ecg, keras.layers.Dense(2)(ecg))),
    "Dense": refused(legacy(old.Dense(2))),
    "Conv1D": refused(legacy(old.Conv1D(4, 3))),
    "LSTM": refused(legacy(old.LSTM(3))),
    "Bidirectional": refused(legacy(old.Bidirectional(old.LSTM(3)))),
    "MultiHeadAttention": refused(tf_keras.Model(series, old.MultiHeadAttention(2, 4)(series, series))),
    "LayerNormalization": refused(legacy(old.LayerNormalization())),
}))
"""


@pytest.mark.slow
def test_tfmot_refuses_keras_3_and_every_layer_of_these_models():
    pytest.importorskip("tf_keras", reason="the extra tfmot is not installed", exc_type=ImportError)
    # In a process of its own: its import turns tf.keras into tf_keras for all of it.
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found.pop("Dense") is None  # so it is there and works
    assert "Sequential or Functional" in found.pop("Keras 3")
    assert len(found) == 5 and all("is not supported" in reason for reason in found.values())
