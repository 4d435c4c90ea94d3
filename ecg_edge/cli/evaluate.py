"""ecg-edge evaluate: a trained run, or the file exported from it, on recordings it has not seen."""

from pathlib import Path

import click

from ecg_edge import console


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), metavar="FILE.tflite",
              help="Evaluate this exported file instead of the run's Keras model.")  # fmt: skip
@click.option("--data", metavar="DB|DIR", help="All recordings of another data set. Default: the run's test part.")
@click.option("--overlap", type=click.Choice(["refuse", "leave-out", "keep"]), default="refuse", show_default=True,
              help="What to do with recordings or people known from training.")  # fmt: skip
@click.option(
    "--tta",
    "views",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Test-time augmentation: mean of the outputs for N windows, shifted against each other.",
)
@click.option("--peaks", type=click.Choice(["annotated", "detected"]), default="annotated", show_default=True,
              help="R peaks that a beat classifier gets.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(run, model, data, overlap, views, peaks, as_json):
    """Evaluate a trained run, or its exported file, on recordings it has not seen.

    Every metric comes with its 95 % interval by bootstrap over patients. The result is stored in the run's folder.

    \b
    Examples:
      ecg-edge evaluate runs/cnn_att_bilstm-cinc2017-20260101-120000
      ecg-edge evaluate RUN --model RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge evaluate runs/rhythm_resnet1d-mitdb-20260101-120000 --tta 7
      ecg-edge evaluate RUN --data cpsc2018 --overlap leave-out --json
    """
    from ecg_edge.api.run_evaluation import evaluate
    from ecg_edge.evaluation_tables import print_tables

    with console.reporting() as reporter:
        result = evaluate(run, model, data, views, overlap, reporter, peaks)
    if as_json:
        console.print_json(result.values)
    else:
        print_tables(result.values)
    console.log(f"written to {result.path}")
    console.log(f"next: ecg-edge bench {model}" if model else f"next: ecg-edge export {run}")
