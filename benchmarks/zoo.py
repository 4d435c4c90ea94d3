"""Rebuild a model of the zoo from recordings: training, export, test, memory, golden outputs, card.

    python benchmarks/zoo.py NAME [--run RUN]

benchmarks/recipes/NAME.toml says how. The test part is read once, here. Every figure of the card comes from the run,
its evaluations, its export and the report of ecg-edge mcu; the recipe has only words and settings. The model, its card
and its golden inputs and outputs are written to ecg_edge/zoo/models. The golden inputs are synthetic ECG.
"""

import dataclasses
import datetime
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from benchmark_result import run

from ecg_edge.zoo import MODELS
from ecg_edge.zoo.card import Card, CardData, CardDevice, CardEstimate, CardFigure, FixedSet
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import atomic_write, write_json

if TYPE_CHECKING:
    from ecg_edge import Run

RECIPES = Path(__file__).parent / "recipes"
BOARD = "nRF52840"
FIXED_RECORDINGS = 60  # of the validation part
GOLDEN = (("SNR", 1), ("AF", 2), ("PVC", 3), ("SBR", 4), ("SVTA", 5), ("LBBB", 6))  # rhythms and seeds
METRICS = {"score": "", "macro_f1": "macro F1", "macro_auroc": "macro AUROC", "accuracy": "accuracy"}


@click.command()
@click.argument("name")
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Its run, if trained already by the recipe.")
def main(name, folder):
    recipes = [path.stem for path in RECIPES.glob("*.toml")]
    if name not in recipes:
        raise unknown_name("recipe", name, recipes)
    recipe = tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
    build(name, recipe, folder)


def build(name: str, recipe: Mapping[str, Any], folder: Path | None = None, models: Path = MODELS) -> Card:
    """Build a model by its recipe, and write its three files.

    Args:
        name: Its name.
        recipe: What the TOML file has.
        folder: The run, if it is trained already; None: train.
        models: The folder to write to.

    Raises:
        InputError: The run was trained with other settings than the recipe's.
    """
    import ecg_edge

    reporter = ecg_edge.LineReporter()
    if folder is None:
        trained = ecg_edge.train(**recipe["train"], folder=Path("runs") / name, reporter=reporter)
    else:
        trained = ecg_edge.Run(folder)
        require_settings(trained, recipe["train"])
    file = trained.path / "export" / f"{name}.tflite"
    exported = ecg_edge.export(trained, out=file, reporter=reporter)
    real = ecg_edge.evaluate(trained, reporter=reporter).values
    integers = ecg_edge.evaluate(trained, model=file, reporter=reporter).values
    device = measure_device(file, recipe["sensor"])
    metadata, labels = exported.metadata, recipe["labels"]
    unit, calibration = integers["unit"], integers["calibration"]
    card = Card(
        name=name,
        summary=recipe["summary"],
        architecture=metadata.architecture,
        preset=metadata.preset,
        parameters=metadata.parameters or 0,
        labels={label: labels[label] for label in metadata.labels},
        leads=metadata.leads,
        fs=metadata.fs,
        window_s=metadata.window.samples / metadata.fs,
        data=(describe_data(trained),),
        split=f"by patient, drawn with seed {trained.settings.seed}; everything was chosen on the validation part",
        test_units=f"{integers[unit]:,} {unit} of {integers['patients']:,} patients",
        figures=list_figures(real, integers, labels),
        temperature=calibration["temperature"],
        calibration_error={when: calibration[when]["expected_calibration_error"] for when in ("before", "after")},
        other_data={},
        device=device,
        limits=tuple(recipe["limits"]),
        fixed_set=predict_fixed_set(trained, file),
        command=f"python benchmarks/zoo.py {name}",
        date=datetime.date.today().isoformat(),
        digest=metadata.digest,
        versions=trained.config["versions"],
    )
    golden = make_golden(file)
    models.mkdir(exist_ok=True)
    with atomic_write(models / f"{name}.tflite") as temporary:
        temporary.write_bytes(file.read_bytes())
    with atomic_write(models / f"{name}.npz") as temporary, open(temporary, "wb") as opened:
        np.savez_compressed(opened, **golden)  # pyright: ignore[reportArgumentType]  taken for allow_pickle
    write_json(models / f"{name}.json", dataclasses.asdict(card))
    reporter.message(f"{models}: {name}.tflite, {name}.npz, {name}.json; next: python docs/render.py")
    return card


def require_settings(trained: "Run", wanted: Mapping[str, Any]) -> None:
    """Raise InputError where a run was trained with other settings than a recipe's."""
    config = trained.config
    settings = {name: value for name, value in wanted.items() if name != "settings"}
    for name, value in wanted.get("settings", {}).items():
        section, key = name.split(".")
        settings[name], config = value, {**config, name: config[section][key]}
    if differing := [name for name, value in settings.items() if config[name] != value]:
        raise InputError(f"{trained.path} was trained with another {', '.join(differing)} than the recipe says")


def describe_data(trained: "Run") -> CardData:
    """Describe the recordings of a run."""
    database = trained.dataset.database
    patients = {entry.name: entry.patient for entry in trained.dataset.entries}
    return CardData(
        name=database.name,
        title=database.title,
        licence=database.licence,
        source=f"https://physionet.org/content/{database.physionet}/",
        recordings={part: len(names) for part, names in trained.split.items()},
        patients={part: len({patients[name] for name in names}) for part, names in trained.split.items()},
        fingerprint=trained.config["fingerprint"],
    )


def list_figures(real: Mapping, integers: Mapping, labels: Mapping[str, str]) -> tuple[CardFigure, ...]:
    """List the metrics of two evaluations, the headline first."""
    titles = {**METRICS, "score": integers.get("score_name", "")}
    pairs = [(titles[key], real[key], integers[key]) for key in METRICS if key in integers]
    unit = integers["unit"]
    for label, values in integers["classes"].items():
        title = f"F1 of {label}, {labels[label]} ({values[unit]:,} {unit})"
        pairs.append((title, real["classes"][label]["f1"], values["f1"]))
    return tuple(CardFigure(title, CardEstimate(**a), CardEstimate(**b)) for title, a, b in pairs)


def measure_device(file: Path, sensor: Mapping[str, float]) -> CardDevice:
    """Measure memory, and instructions in QEMU, of a file and of its path from the counts of a sensor."""
    import ecg_edge

    counts = ecg_edge.Sensor(sensor["fs"], (sensor["counts_per_unit"],))
    plan = ecg_edge.plan_microcontroller(file, BOARD, counts)
    path = plan["path"]
    if "none" in path:
        raise InputError(f"{file}: {path['none']}")
    return CardDevice(
        file_bytes=plan["flash"]["file"],
        arena_bytes=plan["arena"]["total"],
        ram_bytes=path["ram"]["signal"] + path["ram"]["stack"],
        flash_bytes=sum(path["flash"].values()),
        sensor_fs=path["sensor_fs"],
        answer_s=round(path["answer_s"], 3),
        instructions_per_second=path["instructions"],
        core=path["core"],
        label=f"file and arena measured; C program emulated: {path['label']}",
    )


def predict_fixed_set(trained: "Run", file: Path) -> FixedSet:
    """Predict recordings of the validation part, evenly spread, with the exported file."""
    import ecg_edge
    from firmware_bench.runtime.sampling import evenly_spaced

    model, dataset = ecg_edge.load(file), trained.dataset
    names = sorted(trained.split["validation"])
    chosen = {names[n] for n in evenly_spaced(len(names), FIXED_RECORDINGS)}
    predicted, right = {}, 0
    for entry in dataset.entries:
        if entry.name in chosen:
            record = dataset.database.read(dataset.folder, entry)
            assert record.signal is not None
            predicted[entry.name] = model.predict(record.signal, record.fs, record.leads, record.units).label
            right += predicted[entry.name] == entry.labels[0]
    return FixedSet(dataset.database.name, predicted, round(right / len(predicted), 4))


def make_golden(file: Path) -> dict[str, np.ndarray]:
    """Make the golden inputs of a file for whole windows, synthetic ECG, and what its reference kernels make of them.

    Returns:
        "input_NAME" and "output_NAME" of the file → integers (windows, …).
    """
    import ecg_edge
    from ecg_edge.data.recordings import prepare_records
    from ecg_edge.records.synthetic_ecg import synthesise
    from firmware_bench.runtime.quantisation import quantise
    from firmware_bench.runtime.tflite_model import TFLiteModel

    model, network = ecg_edge.load(file), TFLiteModel(file, kernels="reference")
    window, leads = model.window, tuple(model.leads)
    seconds = window.samples / window.fs
    records = [synthesise(rhythm, seed, seconds, leads=leads) for rhythm, seed in GOLDEN]
    examples = model.task.inference_examples(prepare_records(records, leads, window.steps, window.fs), window)
    inputs = examples.batch(slice(None))
    raw = {t.name: quantise(inputs[t.name], t.scale, t.zero_point, t.dtype) for t in network.inputs}
    outputs = [network.run_raw([raw[t.name][n : n + 1] for t in network.inputs]) for n in range(len(examples))]
    return {
        **{f"input_{name}": values for name, values in raw.items()},
        **{
            f"output_{tensor.name}": np.concatenate([each[position] for each in outputs])
            for position, tensor in enumerate(network.outputs)
        },
    }


if __name__ == "__main__":
    run(main)
