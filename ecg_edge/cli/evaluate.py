"""ecg-edge evaluate: a trained run, or the file exported from it, on recordings it has not seen."""

from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError

LABELS = {
    "macro_f1": "macro F1",
    "macro_auroc": "macro AUROC",
    "macro_auprc": "macro AUPRC",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
}


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
@click.option(
    "--tta",
    "views",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Test-time augmentation: mean of the outputs for N windows, shifted against each other.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(run_path, tflite, data, views, as_json):
    """Measure a trained run, or its exported file, on recordings it has not seen.

    Every figure comes with its 95 % interval by bootstrap over patients. The result is kept in the run's folder.

    \b
    Examples:
      ecg-edge evaluate runs/cnn_att_bilstm-cinc2017-20260101-120000
      ecg-edge evaluate RUN --model RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge evaluate runs/rhythm_resnet1d-mitdb-20260101-120000 --tta 7
      ecg-edge evaluate RUN --data cpsc2018 --json
    """
    from ecg_edge.evaluation.bootstrap import RESAMPLES
    from ecg_edge.evaluation.evaluate import evaluate, measured_part, ways
    from ecg_edge.run import Run
    from firmware_bench.runtime.files import write_json

    run = Run(run_path)
    if tflite:
        from ecg_edge.evaluation.predictors import TFLitePredictor

        predictor, form = TFLitePredictor(tflite), tflite.stem
        if list(predictor.metadata.get("labels", run.config["classes"])) != run.config["classes"]:
            raise InputError(f"{tflite} predicts other classes than {run_path}: it was exported from another run")
        run.task.decision = predictor.metadata.get("decision") or run.task.decision
    else:
        console.import_keras()
        from ecg_edge.tasks.predictor import KerasPredictor

        predictor, form = KerasPredictor(run.model()), "keras"

    with console.progress() as bars:
        bar = bars.add_task("preparing windows", total=None)
        examples, where = measured_part(run, data, lambda done, total: bars.update(bar, completed=done, total=total))
        count = len(ways(run.task, predictor))
        bars.reset(bar, description="predicting", total=len(examples) * views * count)
        resampling = bars.add_task("resampling patients", total=RESAMPLES * count)
        result = evaluate(
            run, predictor, examples, views, lambda n: bars.advance(bar, n), lambda: bars.advance(resampling)
        )
    result = {"run": str(run_path), "model": form, "data": where, **result}
    suffix = ("" if data is None else f"-{Path(data).name}") + (f"-tta{views}" if views > 1 else "")
    path = run.path / f"evaluation-{form}{suffix}.json"
    write_json(path, result)
    if as_json:
        console.print_json(result)
    else:
        show(result)
    console.say(f"written to {path}")
    console.say(f"next: ecg-edge export {run_path} --int8" if not tflite else f"next: ecg-edge bench {tflite}")


def show(result) -> None:
    """Tables of the overall figures, of the classes and of the confusion matrix; of each variant the overall ones."""
    unit = result["unit"]
    title = f"{result['model']} on {result['data']}: {result[unit]} {unit} of {result['patients']} patients"
    if result["views"] > 1:
        title += f", {result['views']} windows each"
    others = result.get("variants", {})
    for name, figures in {result.get("variant", ""): result, **others}.items():
        rows = [
            [figures.get("score_name", key) if key == "score" else LABELS.get(key, key.replace("_", " ")),
             number(figure["value"]), interval(figure)]
            for key, figure in figures.items() if isinstance(figure, dict) and "value" in figure
        ]  # fmt: skip
        console.table(f"{title}; {name}" if name else title, ["measured", "value", "95 % interval"], rows)
    classes = result.get("classes", {})
    metrics = [key for key, figure in next(iter(classes.values()), {}).items() if isinstance(figure, dict)]
    if classes:
        console.table(
            "Classes",
            ["class", unit, *metrics],
            [
                [
                    name,
                    figures.get(unit, ""),
                    *(f"{number(figures[m]['value'])} {interval(figures[m])}" for m in metrics),
                ]
                for name, figures in classes.items()
            ],
        )
    if "confusion_matrix" in result:
        console.table(
            "Confusion matrix: true class by row",
            ["", *classes],
            [[name, *row] for name, row in zip(classes, result["confusion_matrix"], strict=True)],
        )


def number(value) -> str:
    return "–" if value is None else f"{value:.3f}"


def interval(figure) -> str:
    return f"[{number(figure['low'])}, {number(figure['high'])}]"
