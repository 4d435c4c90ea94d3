"""An anomaly detector trained on a single normal recording: how well does it reconstruct that one, and others?

    python benchmarks/one_recording.py [--arch vae_bilstm_mha] [--preset tiny] [--data synthetic] [--steps 1000]

Prints the mean squared error, relative to the variance, of the recording it learnt by heart, of other normal ones and
of abnormal ones. Near zero for the first says that model, loss and preprocessing fit each other.
"""

import click
import numpy as np


@click.command()
@click.option("--arch", default="vae_bilstm_mha", show_default=True)
@click.option("--preset", default="tiny", show_default=True)
@click.option("--data", default="synthetic", show_default=True)
@click.option("--steps", default=1000, show_default=True)
@click.option("--others", default=20, show_default=True, help="Recordings of either kind to compare with.")
def main(arch, preset, data, steps, others):
    import keras

    from ecg_edge import console
    from ecg_edge.data.dataset import Dataset
    from ecg_edge.tasks.anomaly import AnomalyTask
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
        count = reporter.counter("learning one recording", steps)
        for _ in range(steps):
            model.train_on_batch(windows)
            count()

    def error(names):
        ecg = task.examples(recordings, names, window).batch(slice(None))["ecg"]
        outputs = model.predict(ecg, verbose=0)
        return float(np.mean((ecg - outputs["reconstruction"]) ** 2) / np.var(ecg))

    rows = [["the one it learnt", error(normal[:1])], [f"{len(normal) - 1} other normal ones", error(normal[1:])],
            [f"{len(abnormal)} abnormal ones", error(abnormal)]]  # fmt: skip
    title = f"{arch}, {preset}, {steps} steps on one recording of {data}: measured"
    console.table(title, ["recordings", "squared error / variance"], [[name, f"{e:.4f}"] for name, e in rows])


if __name__ == "__main__":
    main()
