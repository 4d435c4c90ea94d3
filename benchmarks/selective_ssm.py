"""Time of the selective state space as the recording grows from one second to a minute.

    python benchmarks/selective_ssm.py [--batch 4] [--seconds 1,2,5,10,30,60]

One layer of ecg_mamba at paper size, 25 steps a second: milliseconds of a training step and of a prediction, as a
sequential scan and as a parallel prefix scan, and the exponent of length that fits them. KERAS_BACKEND=jax measures
JAX.
"""

import time

import click
import numpy as np
from benchmark_result import report, result_option, run

STEPS_PER_SECOND, WIDTH, STATES, RANK = 25, 128, 16, 8
FORMS = ("scan", "parallel")
ROUNDS = 5


@click.command()
@click.option("--batch", default=4, show_default=True)
@click.option("--seconds", default="1,2,5,10,30,60", show_default=True, help="Lengths of ECG, s.")
@result_option
def main(batch, seconds, result):
    from ecg_edge.keras_backend import import_keras

    import_keras()
    import keras

    lengths = [int(text) for text in seconds.split(",")]
    columns = [f"{form}_{work}_ms" for form in FORMS for work in ("training", "prediction")]
    times = np.array([measure(batch, length) for length in lengths]) * 1e3
    rows = [
        {"length": f"{length} s", **dict(zip(columns, row.round(1).tolist(), strict=True))}
        for length, row in zip(lengths, times, strict=True)
    ]
    for first in (0, sum(length < 10 for length in lengths)):
        if len(lengths) - first > 1:
            exponents = np.polyfit(np.log(lengths[first:]), np.log(times[first:]), 1)[0].round(2).tolist()
            name = f"exponent from {lengths[first]} s on"
            rows.append({"length": name, **dict(zip(columns, exponents, strict=True))})
    conditions = (
        f"batch {batch}, {WIDTH} channels of {STATES} states, keras {keras.__version__} on {keras.backend.backend()}"
    )
    report(result, "Training step and prediction of a selective state space, ms", "measured", conditions, rows)


def measure(batch: int, seconds: int) -> np.ndarray:
    """Return the seconds of a training step and of a prediction of each form, the least of ROUNDS in turn."""
    steps = seconds * STEPS_PER_SECOND
    x = np.random.default_rng(0).standard_normal((batch, steps, WIDTH), np.float32)
    works = [
        work
        for model in [build(form, steps) for form in FORMS]
        for work in (lambda model=model: model.train_on_batch(x, x), lambda model=model: model.predict_on_batch(x))
    ]
    for work in works:
        work()
    return np.min([[time_once(work) for work in works] for _ in range(ROUNDS)], axis=0)


def build(form: str, steps: int):
    """Return a compiled model of the layer alone, to be trained towards its input."""
    import keras

    from models_keras.layers.selective_ssm import SelectiveSSM

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((steps, WIDTH)), SelectiveSSM(STATES, RANK, form=form)])
    model.compile(keras.optimizers.SGD(1e-3), loss="mse")
    return model


def time_once(work) -> float:
    """Return how long a call of `work` takes, s."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    run(main)
