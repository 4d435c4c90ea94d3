"""Work of ecg_mamba against the length of its window: multiply-accumulates by its layers, and time in Keras.

    python benchmarks/sequence_length.py [--preset edge] [--seconds 5,10,20,40]

A convolution or a dense layer takes its weights once for every time step of its output, a selective state space three
products for each state of a channel and time step besides.
"""

import math
import time
from typing import Any

import click
import numpy as np
from benchmark_result import report, result_option, run

ROUNDS = 50


@click.command()
@click.option("--preset", default="edge", show_default=True)
@click.option("--seconds", default="5,10,20,40", show_default=True, help="Lengths of the window.")
@result_option
def main(preset, seconds, result):
    from ecg_edge.keras_backend import import_keras

    import_keras()
    import keras

    from models_keras.registry import find

    chosen = find("ecg_mamba").presets[preset]
    leads, fs = next(iter(chosen.parameters)), chosen.signal["fs"]
    rows = []
    for length in map(float, seconds.split(",")):
        model = find("ecg_mamba").build(round(length * fs), leads, 5, **chosen.model)
        macs, seconds_taken = count_macs(model), measure_prediction(model)
        rows.append(
            {"seconds": length, "macs_millions": round(macs / 1e6, 2), "processor_ms": round(1000 * seconds_taken, 1)}
        )
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        ratio = math.log(last["seconds"] / first["seconds"])
        exponents = {name: math.log(last[name] / first[name]) / ratio for name in ("macs_millions", "processor_ms")}
        name = f"exponent, {first['seconds']:g} to {last['seconds']:g} s"
        rows.append({"seconds": name, **{key: round(value, 2) for key, value in exponents.items()}})
    conditions = (
        f"ecg_mamba, {preset} preset, {leads} leads at {fs:g} Hz; multiply-accumulates calculated from the layers, "
        f"processor time measured: least of {ROUNDS}, batch 1, keras {keras.__version__} on {keras.backend.backend()}"
    )
    report(result, "Work of ecg_mamba against the length of its window", "measured", conditions, rows)


def count_macs(model) -> int:
    """Count the multiply-accumulates of a window by a model's layers, without those of normalisation."""
    from models_keras.layers.selective_ssm import SelectiveSSM

    total = 0
    for layer in model.layers:
        shape: Any = getattr(layer.output, "shape", ())
        steps = shape[1] if len(shape) == 3 else 1
        matrices = [weight.shape for weight in layer.weights if len(weight.shape) > 1 and "bias" not in weight.path]
        total += steps * sum(math.prod(shape) for shape in matrices)
        if isinstance(layer, SelectiveSSM):
            total += 3 * steps * shape[2] * layer.states
    return total


def measure_prediction(model) -> float:
    """Return the processor time of a prediction of one window, s, the least of ROUNDS."""
    window = np.random.default_rng(0).standard_normal((1, *model.inputs[0].shape[1:]), np.float32)
    model.predict_on_batch(window)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        model.predict_on_batch(window)
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    run(main)
