"""One selective state space as a streaming step in 16-bit integers: SQNR against its float form, and its arena.

    python benchmarks/streaming.py [--width 64] [--states 16]

The weights are untrained, the input is noise that is low-pass filtered as a network's features are.
"""

import click
import numpy as np
from benchmark_result import report, result_option, run

STEPS = 250


@click.command()
@click.option("--width", default=64, show_default=True, help="Channels.")
@click.option("--states", default=16, show_default=True, help="States of a channel.")
@result_option
def main(width, states, result):
    from untrained_models import streaming_file

    from ecg_edge.keras_backend import import_keras

    import_keras()
    import keras

    from ecg_edge.tasks.predictor import KerasPredictor
    from export.verify.sqnr import sqnr_db
    from firmware_bench.mcu import tflm
    from firmware_bench.runtime.streaming_model import StreamingModel
    from firmware_bench.runtime.tflite_model import TFLiteModel
    from models_keras.layers.selective_ssm import SelectiveSSM

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = keras.Input((STEPS, width), name="x")
    model = keras.Model(x, SelectiveSSM(states, max(1, width // 16))(x))
    data = streaming_file(model, {"x": make_features(random, 40, width)})
    windows = make_features(random, 10, width)
    expected = np.asarray(KerasPredictor(model)({"x": windows}))
    stream = StreamingModel(TFLiteModel(data))
    found = np.array([stream.run(window) for window in windows])
    last = slice(-STEPS // 5, None)
    row = {
        "model": f"one state space, {width} channels of {states} states, untrained",
        "sqnr_db": round(sqnr_db(expected, found), 1),
        "sqnr_last_fifth_db": round(sqnr_db(expected[:, last], found[:, last]), 1),
        "bytes": len(data),
        "tflm_arena_bytes": tflm.measure_arena(data).total,
    }
    conditions = f"{STEPS} steps, LiteRT; the arena: TensorFlow Lite Micro on a 64-bit host"
    report(result, "A streaming step in 16-bit integers", "measured", conditions, [row])


def make_features(random: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Return white noise averaged over five steps, of variance one: float32 (count, STEPS, width)."""
    noise = random.normal(size=(count, STEPS + 4, width))
    return (np.sum([noise[:, n : n + STEPS] for n in range(5)], axis=0) / 5**0.5).astype(np.float32)


if __name__ == "__main__":
    run(main)
