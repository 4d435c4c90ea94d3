"""ecg-edge ablate: the variants of a published study, trained alike and compared on the same test part."""

from pathlib import Path

import click

from ecg_edge import console


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
    """Train and compare the variants of a published study.

    All variants have the same data, split and seed. Each is a run of its own in the study's folder, where the table is
    kept as table.md and study.json. An interrupted study continues when the same command is given again. The difference
    from the first variant has a 95 % interval of its own, from the same draws of patients for both.

    \b
    Examples:
      ecg-edge ablate cnn_att_bilstm components --data cinc2017
      ecg-edge ablate cnn_att_bilstm leads --data ptbxl --epochs 20
      ecg-edge ablate rhythm_resnet1d tta --data mitdb --preset paper
    """
    from ecg_edge.api.ablation import ablate

    names = console.split_names(leads)
    with console.reporting() as reporter:
        result = ablate(arch, study or "", preset, data, names, assignments, epochs, seed, out, reporter)
    if as_json:
        console.print_json(result.to_dict())
    else:
        console.table(f"{arch}, {study}", *result.table())
    console.log(f"written to {result.folder / 'table.md'}")
