"""ecg-edge evaluate: a trained run, or the file exported from it, on recordings it has not seen."""

from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "tflite",
    type=click.Path(path_type=Path),
    metavar="FILE.tflite",
    help="Evaluate this exported file instead of the run's Keras model.",
)
@click.option("--data", metavar="DB|DIR", help="All recordings of another data set. Default: the run's test part.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(run_path, tflite, data, as_json):
    """Measure a trained run, or its exported file, on recordings it has not seen.

    Every figure comes with its 95 % interval by bootstrap over patients. The result is kept in the run's folder.

    \b
    Examples:
      ecg-edge evaluate runs/cnn_att_bilstm-cinc2017-20260101-120000
      ecg-edge evaluate RUN --model RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge evaluate RUN --data cpsc2018 --json
    """
    from ecg_edge.evaluation.bootstrap import RESAMPLES
    from ecg_edge.evaluation.evaluate import evaluate, measured_part
    from ecg_edge.files import write_json
    from ecg_edge.run import Run

    run = Run(run_path)
    if tflite:
        from ecg_edge.evaluation.predictors import TFLitePredictor

        predictor, form = TFLitePredictor(tflite), tflite.stem
        if list(predictor.metadata.get("labels", run.config["classes"])) != run.config["classes"]:
            raise InputError(f"{tflite} predicts other classes than {run_path}: it was exported from another run")
    else:
        console.import_keras()
        from ecg_edge.evaluation.predictors import KerasPredictor

        predictor, form = KerasPredictor(run.model()), "keras"

    with console.progress() as bars:
        bar = bars.add_task("preparing windows", total=None)
        examples, where = measured_part(run, data, lambda done, total: bars.update(bar, completed=done, total=total))
        bars.reset(bar, description="predicting", total=len(examples))
        resampling = bars.add_task("resampling patients", total=RESAMPLES)
        result = evaluate(run, predictor, examples, lambda n: bars.advance(bar, n), lambda: bars.advance(resampling))
    result = {"run": str(run_path), "model": form, "data": where, **result}
    path = run.path / f"evaluation-{form}{'' if data is None else '-' + Path(data).name}.json"
    write_json(path, result)
    if as_json:
        console.print_json(result)
    else:
        show(result)
    console.say(f"written to {path}")
    console.say(f"next: ecg-edge export {run_path} --int8" if not tflite else f"next: ecg-edge bench {tflite}")


def show(result) -> None:
    """Tables of the overall figures, of the classes and of the confusion matrix."""
    overall = [
        ("macro_f1", "macro F1"),
        ("accuracy", "accuracy"),
        ("macro_auroc", "macro AUROC"),
        ("macro_auprc", "macro AUPRC"),
    ]
    if "score" in result:
        overall.insert(0, ("score", result["score_name"]))
    title = f"{result['model']} on {result['data']}: {result['recordings']} recordings of {result['patients']} patients"
    console.table(
        title,
        ["measured", "value", "95 % interval"],
        [[label, number(result[key]["value"]), interval(result[key])] for key, label in overall],
    )
    metrics = ("precision", "recall", "f1", "auroc", "auprc")
    console.table(
        "Classes",
        ["class", "recordings", *metrics],
        [
            [name, figures["recordings"], *(f"{number(figures[m]['value'])} {interval(figures[m])}" for m in metrics)]
            for name, figures in result["classes"].items()
        ],
    )
    names = list(result["classes"])
    console.table(
        "Confusion matrix: true class by row",
        ["", *names],
        [[name, *row] for name, row in zip(names, result["confusion_matrix"], strict=True)],
    )


def number(value) -> str:
    return "–" if value is None else f"{value:.3f}"


def interval(figure) -> str:
    return f"[{number(figure['low'])}, {number(figure['high'])}]"
