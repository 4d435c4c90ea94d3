"""An anomaly detector trained on a single normal recording: its reconstruction error there and elsewhere.

    python benchmarks/one_recording.py [--arch vae_bilstm_mha] [--preset tiny] [--data synthetic] [--steps 1000]

Mean squared error, relative to the variance, of the training recording, of other normal ones and of abnormal ones. Near
zero for the first says that model, loss and preprocessing fit each other.
"""

import click
import numpy as np
from benchmark_result import report, result_option, run


@click.command()
@click.option("--arch", default="vae_bilstm_mha", show_default=True)
@click.option("--preset", default="tiny", show_default=True)
@click.option("--data", default="synthetic", show_default=True)
@click.option("--steps", default=1000, show_default=True)
@click.option("--others", default=20, show_default=True, help="Recordings of either kind to compare with.")
@result_option
def main(arch, preset, data, steps, others, result):
    from ecg_edge import console
    from ecg_edge.keras_backend import import_keras

    import_keras()
    import keras

    from ecg_edge.data.dataset import Dataset
    from ecg_edge.tasks.anomaly import AnomalyTask
    from ecg_edge.tasks.predictor import KerasPredictor
    from ecg_edge.training.config import SignalConfig
    from models_keras.layers.variational import start_epoch
    from models_keras.registry import find

    architecture = find(arch)
    chosen = architecture.presets[preset]
    window, task = SignalConfig(**chosen.signal).window_spec(), AnomalyTask(("normal", "abnormal"))
    dataset = Dataset.open(data, AnomalyTask)
    normal = [entry.name for entry in dataset.entries if entry.normal][: others + 1]
    abnormal = [entry.name for entry in dataset.entries if not entry.normal]
    abnormal = [abnormal[i] for i in np.linspace(0, len(abnormal) - 1, others).astype(int)]
    recordings = dataset.prepare_subset(AnomalyTask, window, normal + abnormal)

    keras.utils.set_random_seed(0)
    model = architecture.build(window.samples, len(dataset.leads), 2, **chosen.model)
    model.compile(keras.optimizers.Adam(3e-3, global_clipnorm=1.0))
    start_epoch(model, 1)
    windows = task.examples(recordings, normal[:1], window).batch(slice(None))["ecg"]
    with console.reporting() as reporter:
        count = reporter.counter("training on one recording", steps)
        for _ in range(steps):
            model.train_on_batch(windows)
            count()

    def relative_error(names):
        ecg = task.examples(recordings, names, window).batch(slice(None))["ecg"]
        outputs = KerasPredictor(model)({"ecg": ecg})
        assert isinstance(outputs, dict)
        return float(np.mean((ecg - outputs["reconstruction"]) ** 2) / np.var(ecg))

    groups = {
        "the training recording": normal[:1],
        "other normal recordings": normal[1:],
        "abnormal recordings": abnormal,
    }
    rows = [{"recordings": name, "relative_error": round(relative_error(names), 4)} for name, names in groups.items()]
    title = f"{arch} fitted to one recording of {data}: mean squared error / variance"
    report(result, title, "measured", f"{preset} preset, {steps} steps, {others} other recordings of either kind", rows)


if __name__ == "__main__":
    run(main)
