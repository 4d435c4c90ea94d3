"""What helps the rare classes STE and STD of CPSC 2018: cross-validation of the recipe cpsc-9 without its remedies.

    ECG_EDGE_DATA=… python benchmarks/st_remedies.py --pretrained RUN [--runs runs/st]

RUN is that from whose weights the recipe starts. Folds that are trained already stay.
"""

import tomllib
from pathlib import Path

import click
from benchmark_result import report, result_option, run

RECIPE = Path(__file__).parent / "recipes" / "cpsc-9.toml"
CLASSES = ("STE", "STD")
AUGMENTATION = ("crop", "stretch", "noise", "lead_drop")
# Row → whether classes are oversampled, windows augmented, and weights pretrained
REMEDIES = {
    "none": (False, False, False),
    "oversampling, augmentation": (True, True, False),
    "oversampling, augmentation, pretrained": (True, True, True),
}


@click.command()
@click.option("--pretrained", type=click.Path(path_type=Path, exists=True), required=True, help="The pretrained run.")
@click.option("--runs", type=click.Path(path_type=Path), default="runs/st-remedies", show_default=True)
@click.option("--epochs", type=int, help="For each fold; by default as the recipe says.")
@click.option("--folds", type=int, default=5, show_default=True)
@result_option
def main(pretrained, runs, epochs, folds, result):
    import ecg_edge

    arguments = tomllib.loads(RECIPE.read_text(encoding="utf-8"))["train"]
    settings = arguments.pop("settings")
    rows = []
    for name, (oversampled, augmented, starts_pretrained) in REMEDIES.items():
        own = dict(settings)
        if not oversampled:
            own["training.class_weights"] = "none"
        if not augmented:
            own = {key: value for key, value in own.items() if not key.startswith("augmentation.")}
        if starts_pretrained:
            own["training.init"] = str(pretrained)
        found = ecg_edge.cross_validate(
            **arguments,
            settings=own,
            epochs=epochs,
            folder=runs / name.replace(", ", "-"),
            folds=folds,
            reporter=ecg_edge.LineReporter(),
        ).values
        rows.append(
            {
                "remedies": name,
                "macro_f1": found["macro_f1"],
                "macro_auroc": found["macro_auroc"],
                **{
                    f"{label.lower()}_{key}": found["classes"][label][key]
                    for label in CLASSES
                    for key in ("f1", "auroc")
                },
                **{f"{label.lower()}_recordings": found["classes"][label]["recordings"] for label in CLASSES},
            }
        )
    conditions = f"{folds} folds held out in turn, 95 % intervals by bootstrap over patients; float"
    report(result, "CPSC 2018: remedies for ST elevation and depression", "measured", conditions, rows)


if __name__ == "__main__":
    run(main)
