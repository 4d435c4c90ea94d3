"""ecg-edge ablate: the variants of a published study, trained alike and compared on the same test part."""

import re
from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError, unknown_name


@click.command()
@click.argument("arch")
@click.argument("study", required=False)
@click.option("--preset", default="edge", show_default=True, help="paper, edge or tiny.")
@click.option("--data", metavar="DB|DIR", help="As for ecg-edge train.")
@click.option("--leads", metavar="I,II,…", help="The leads to use, where the study does not vary them.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A setting of all variants.")
@click.option("--epochs", type=int, help="At most so many epochs for each variant.")
@click.option("--seed", default=0, show_default=True, help="Decides the split, the first weights and the order.")
@click.option("--out", type=click.Path(path_type=Path), help="The study's folder. Default: runs/ARCH-STUDY-DATA.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def command(arch, study, preset, data, leads, assignments, epochs, seed, out, as_json):
    """Train every variant of a STUDY of an architecture with the same data, split and seed, and compare them.

    Each variant is a run of its own in the study's folder, where the table is kept as table.md and study.json. A study
    that was interrupted goes on where it stopped when the same command is given again. The difference from the first
    variant has a 95 % interval of its own, from the same draws of patients for both.

    \b
    Examples:
      ecg-edge ablate cnn_att_bilstm components --data cinc2017
      ecg-edge ablate cnn_att_bilstm leads --data ptbxl --epochs 20
      ecg-edge ablate rhythm_resnet1d tta --data mitdb --preset paper
    """
    from models_keras.registry import find, names

    if arch not in names():
        raise unknown_name("architecture", arch, names())
    console.import_keras()
    studies = find(arch).studies
    if study not in studies:
        raise (
            unknown_name(f"study of {arch}", study or "", studies) if studies else InputError(f"{arch} has no studies")
        )
    folder = out or Path("runs") / f"{arch}-{study}-{Path(data or 'synthetic').name}"
    variants = studies[study]
    if leads and any(variant.leads for variant in variants):
        raise InputError(f"the study {study} varies the leads: leave out --leads")
    rows, reference = [], None
    for variant in variants:
        run = trained(variant, arch, folder, preset, data, leads, assignments, epochs, seed)
        row, measured = compared(variant, run, reference)
        reference = reference or measured
        rows.append(row)
    report(folder, arch, study, rows, as_json)


def trained(variant, arch, folder, preset, data, leads, assignments, epochs, seed):
    """The variant's run, trained to its end; variants that differ only in evaluation share one."""
    from ecg_edge.cli.train import carry_out, started
    from ecg_edge.run import Run

    settings = [*assignments, *(f"{key}={value}" for key, value in variant.settings.items())]
    leads = variant.leads or leads
    changes = [variant.arch or arch, preset, *settings, *([leads] if leads else [])]
    path = folder / re.sub(r"[^\w.=-]+", "_", "-".join(changes))
    console.say(f"{variant.name}: {path}")
    if (path / "config.json").exists():
        run = Run(path)
    else:
        run = started(variant.arch or arch, preset, data, leads, epochs, settings, path, seed, dry_run=False)
    carry_out(run)
    return Run(path)


def compared(variant, run, reference):
    """The variant's row as plain data, and what was measured."""
    import numpy as np

    from ecg_edge.evaluation.bootstrap import RESAMPLES
    from ecg_edge.evaluation.evaluate import difference, evaluate, measure
    from ecg_edge.tasks.predictor import KerasPredictor
    from firmware_bench.runtime.files import write_json

    model = run.model()
    predictor, examples = KerasPredictor(model), run.examples("test")
    path = run.path / f"evaluation-keras{f'-tta{variant.tta}' if variant.tta > 1 else ''}.json"
    with console.progress() as bars:
        bar = bars.add_task("evaluating", total=2 * RESAMPLES)
        result = evaluate(run, predictor, examples, variant.tta, resampled=lambda: bars.advance(bar))
        write_json(path, {"run": str(run.path), "model": "keras", "data": f"{run.config['data']}, test part", **result})
        task = next(iter(run.task.variants().values()))
        measured = measure(task, predictor, examples, variant.tta)
        change = difference(measured, reference, lambda: bars.advance(bar)) if reference else None
    (headline,) = measured.headline
    row = {
        "variant": variant.name,
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "figure": headline,
        **result[headline],
        "difference": change,
        measured.unit: len(measured.patients),
        "patients": result["patients"],
        "run": str(run.path),
    }
    return row, measured


def report(folder, arch, study, rows, as_json) -> None:
    """The table, to the terminal and into the study's folder."""
    from ecg_edge.cli.evaluate import interval, number
    from firmware_bench.runtime.files import atomic_write, write_json

    figure = rows[0]["figure"].replace("_", " ")
    header = [
        "variant",
        "parameters",
        f"{figure}, test part",
        "95 % interval",
        "difference from the first",
        "95 % interval",
    ]
    table = [
        [
            row["variant"],
            f"{row['parameters']:,}",
            number(row["value"]),
            interval(row),
            number(row["difference"]["value"]) if row["difference"] else "",
            interval(row["difference"]) if row["difference"] else "",
        ]
        for row in rows
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *table)]
    with atomic_write(folder / "table.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    write_json(folder / "study.json", {"architecture": arch, "study": study, "variants": rows})
    if as_json:
        console.print_json({"architecture": arch, "study": study, "variants": rows})
    else:
        console.table(f"{arch}, {study}", header, table)
    console.say(f"written to {folder / 'table.md'}")
