"""Rebuild a model of the zoo from recordings: training, export, test, memory, golden outputs, card.

    python benchmarks/zoo.py NAME [--run RUN]

benchmarks/recipes/NAME.toml says how. The test part is read once, here; where the recipe has folds = N, the figures
are those of a cross-validation instead, in RUN-folds. The runs of FIRST are trained before. Every figure of the card
comes from the run, its evaluations, its export and the report of ecg-edge mcu; the recipe has only words and settings.
The model, its card and its golden outputs for synthetic ECG are written to ecg_edge/zoo/models.
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
from fold_figures import describe_folds, evaluate_folds, set_decision
from golden import make_golden
from other_databases import describe_way, evaluate_elsewhere, try_other_databases
from recipe_runs import add_runs, require_recipe

from ecg_edge.api.c99_generation import find_beat_file
from ecg_edge.records.databases.nstdb import Nstdb
from ecg_edge.records.databases.union import DatabaseUnion
from ecg_edge.signals.augmentation import AugmentationConfig
from ecg_edge.tasks.metrics import display_name
from ecg_edge.zoo import MODELS
from ecg_edge.zoo.card import Card, CardData, CardDevice, CardEstimate, CardFigure, FixedSet
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import atomic_write, write_json
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.sampling import evenly_spaced

if TYPE_CHECKING:
    from ecg_edge import Run

RECIPES = Path(__file__).parent / "recipes"
BOARD = "nRF52840"
FIXED_RECORDINGS = 60  # of the validation part
FIXED_SECONDS = 2000.0  # of signal, about
HEADLINES = ("score", "macro_f1", "macro_auroc", "auroc")  # the first that an evaluation has


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
    """Build a model by its recipe, and write its files: NAME.tflite, NAME.npz, NAME.json, and the first two also of the
    beat classifier whose features it takes.

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
        trained = ecg_edge.train(**add_runs(name, recipe, reporter), folder=Path("runs") / name, reporter=reporter)
    else:
        trained = ecg_edge.Run(folder)
        require_recipe(trained, recipe)
    file = trained.path / "export" / f"{name}.tflite"
    ecg_edge.export(trained, out=file, **recipe.get("export", {}), reporter=reporter)
    if "folds" in recipe:
        real, integers = evaluate_folds(trained, recipe, reporter)
        set_decision(file, integers["decision"])
    else:
        way = recipe.get("evaluate", {})
        real = ecg_edge.evaluate(trained, **way, reporter=reporter).values
        integers = ecg_edge.evaluate(trained, model=file, **way, reporter=reporter).values
    card = make_card(name, recipe, trained, file, real, integers)
    beats = find_beat_file(file, file.read_bytes())
    made = {each: make_golden(each) for each in (file, beats) if each}
    models.mkdir(exist_ok=True)
    for each, golden in made.items():
        with atomic_write(models / each.name) as temporary:
            temporary.write_bytes(each.read_bytes())
        with atomic_write(models / each.with_suffix(".npz").name) as temporary, open(temporary, "wb") as opened:
            np.savez_compressed(opened, **golden)  # pyright: ignore[reportArgumentType]  taken for allow_pickle
    write_json(models / f"{name}.json", dataclasses.asdict(card))
    files = ", ".join(f"{each.name}, {each.stem}.npz" for each in made)
    reporter.message(f"{models}: {files}, {name}.json; next: python docs/render.py")
    return card


def make_card(name: str, recipe: Mapping, trained: "Run", file: Path, real: Mapping, integers: Mapping) -> Card:
    """Make the card of an exported run from the evaluations of its Keras model and of the file."""
    metadata = read_metadata(file.read_bytes())
    unit, labels = integers["unit"], recipe["labels"]
    errors = {when: figures for when, figures in integers.get("calibration", {}).items() if when in ("before", "after")}
    return Card(
        name=name,
        summary=recipe["summary"],
        architecture=metadata.architecture,
        preset=metadata.preset,
        parameters=metadata.parameters or 0,
        labels={label: labels[label] for label in metadata.labels},
        leads=metadata.leads,
        fs=metadata.fs,
        window_s=metadata.window.samples / metadata.fs,
        data=describe_learnt_data(trained, recipe.get("folder", {})),
        split=describe_folds(trained, recipe["folds"], integers["patients"])
        if "folds" in recipe
        else f"by patient, seed {trained.settings.seed}; everything was chosen on the validation part",
        augmentation=describe_augmentation(trained),
        test_units=f"{integers[unit]:,} {unit} of {integers['patients']:,} patients"
        + (f", held out in {recipe['folds']} folds" if "folds" in recipe else describe_way(recipe.get("evaluate", {}))),
        figures=list_figures(real, integers, labels, recipe.get("headline")),
        temperature=metadata.decision.get("temperature"),
        calibration_error={when: figures["expected_calibration_error"] for when, figures in errors.items()},
        other_data=try_other_databases(file, recipe.get("other", []))
        | {other["data"]: evaluate_elsewhere(trained, file, **other) for other in recipe.get("elsewhere", [])},
        device=measure_device(file, recipe.get("sensor")),
        limits=tuple(recipe["limits"]),
        fixed_set=predict_fixed_set(trained, file),
        command=f"python benchmarks/zoo.py {name}",
        date=datetime.date.today().isoformat(),
        digest=metadata.digest,
        versions=trained.config["versions"],
    )


def describe_learnt_data(trained: "Run", folders: Mapping[str, Mapping[str, str]]) -> tuple[CardData, ...]:
    """Describe the databases of a run, then others of the runs that it builds on, which tested nothing."""
    described = list(describe_data(trained, folders))
    for each in (each for source in trained.sources for each in describe_learnt_data(source, folders)):
        if each.name not in {other.name for other in described}:
            parts = {"recordings": {**each.recordings, "test": 0}, "patients": {**each.patients, "test": 0}}
            described.append(dataclasses.replace(each, **parts))
    return tuple(described)


def describe_data(trained: "Run", folders: Mapping[str, Mapping[str, str]]) -> tuple[CardData, ...]:
    """Describe the recordings of a run, database by database.

    Args:
        trained: The run.
        folders: Labelled folder → title, licence and source, which no reader knows.

    Returns:
        The databases.
    """
    database = trained.dataset.database
    joined = isinstance(database, DatabaseUnion)
    members = {name: each for name, (each, _) in database.members.items()} if joined else {database.name: database}
    patients = {entry.name: entry.patient for entry in trained.dataset.entries}
    described = []
    for name, member in members.items():
        own = {
            part: [each for each in names if not joined or each.startswith(f"{name}/")]
            for part, names in trained.split.items()
        }
        described.append(
            CardData(
                name=name,
                **folders.get(
                    name,
                    {
                        "title": member.title,
                        "licence": member.licence,
                        "source": f"https://physionet.org/content/{member.physionet}/",
                    },
                ),
                recordings={part: len(names) for part, names in own.items()},
                patients={part: len({patients[each] for each in names}) for part, names in own.items()},
            )
        )
    return tuple(described)


def describe_augmentation(trained: "Run") -> str:
    """Describe how training windows were changed, and whose noise they got."""
    chosen, default = trained.settings.augmentation, AugmentationConfig()
    changed = {
        name: value for name, value in dataclasses.asdict(chosen).items() if value != getattr(default, name)
    }  # fmt: skip
    source = f"; noise of {Nstdb.title} ({Nstdb.licence})" if chosen.noise else ""
    return ", ".join(f"{name} {value}" for name, value in changed.items()) + source if changed else "none"


def list_figures(
    real: Mapping, integers: Mapping, labels: Mapping[str, str], headline: str | None = None
) -> tuple[CardFigure, ...]:
    """List the metrics of two evaluations that are defined in both, the headline first, then those of all classes."""
    first = (headline, *HEADLINES) if headline else HEADLINES
    overall = [key for key, estimate in integers.items() if isinstance(estimate, dict) and "value" in estimate]
    overall.sort(key=lambda key: first.index(key) if key in first else len(first))
    pairs = [
        (integers["score_name"] if key == "score" else display_name(key), real[key], integers[key]) for key in overall
    ]
    unit = integers["unit"]
    for key in ("auroc", "f1") if headline == "macro_auroc" else ("f1",):
        for label, values in integers.get("classes", {}).items():
            if key in values:
                title = f"{display_name(key)} of {label}, {labels[label]} ({values[unit]:,} {unit})"
                pairs.append((title, real["classes"][label][key], values[key]))
    for name, variant in integers.get("variants", {}).items():
        pairs.append((f"{display_name(overall[0])}, {name}", real["variants"][name][overall[0]], variant[overall[0]]))
    defined = [pair for pair in pairs if None not in (*pair[1].values(), *pair[2].values())]
    return tuple(CardFigure(title, CardEstimate(**a), CardEstimate(**b)) for title, a, b in defined)


def measure_device(file: Path, sensor: Mapping[str, float] | None) -> CardDevice:
    """Measure memory of a file, and instructions in QEMU: with a sensor of the path from its counts, else of a run."""
    import ecg_edge

    counts = ecg_edge.Sensor(sensor["fs"], (sensor["counts_per_unit"],)) if sensor else None
    plan = ecg_edge.plan_microcontroller(file, BOARD, counts)
    program = plan["path"] if counts else plan["c99"]
    if "none" in program:
        raise InputError(f"{file}: {program['none']}")
    per = f"a {program['run']}" if "run" in program else (
        f"a second of signal, a sensor of {program['sensor_fs']:g} Hz, an answer every {program['answer_s']:.3f} s"
    )  # fmt: skip
    both = plan.get("both", {"flash": plan["flash"]["file"], "arena": plan["arena"]["total"]})
    return CardDevice(
        file_bytes=both["flash"],
        arena_bytes=both["arena"],
        ram_bytes=sum(program["ram"].values()),
        flash_bytes=sum(program["flash"].values()),
        instructions=program["instructions"],
        per=per,
        label=f"file and arena measured; C program on {program['core']} emulated in QEMU",
    )


def predict_fixed_set(trained: "Run", file: Path) -> FixedSet:
    """Predict recordings of the validation part, evenly spread, with the exported file."""
    import ecg_edge

    model, dataset = ecg_edge.load(file), trained.dataset
    names = sorted(trained.split["validation"])
    chosen = {names[n] for n in evenly_spaced(len(names), FIXED_RECORDINGS)}
    predicted, right, seconds = {}, 0, 0.0
    for entry in dataset.entries:
        if entry.name in chosen and seconds < FIXED_SECONDS:
            record = dataset.database.read(dataset.folder, entry)
            if record.signal is None:
                continue
            seconds += len(record.signal) / record.fs
            predicted[entry.name] = model.predict(record.signal, record.fs, record.leads, record.units).label
            right += entry.labels[:1] == (predicted[entry.name],)
    accuracy = round(right / len(predicted), 4) if model.task.name == "rhythm" else None
    return FixedSet(dataset.database.name, predicted, accuracy)


if __name__ == "__main__":
    run(main)
