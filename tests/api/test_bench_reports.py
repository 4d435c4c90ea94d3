"""Verdicts and plots of ecg-edge bench."""

import numpy as np
import pytest
from drawn_text import find_text_faults

from ecg_edge.api import bench_reports
from firmware_bench.runtime.errors import InputError


def report(board="Raspberry Pi 4 Model B Rev 1.4", stamp=None, milliseconds=80.0, temperature=50.0):
    rounds = [
        {"began": 100.0 + number, "latencies_ms": [80.0, 81.0], "temperature_celsius": temperature}
        for number in range(3)
    ]
    return {
        "format": 2,
        "time": "2026-01-01T00:00:00+00:00",
        "stamp": stamp,
        "machine": {"board": board, "cpu": "Cortex-A72", "host": "pi"},
        "versions": {"runtime": "ai-edge-litert 2.3.0"},
        "results": [
            {
                "file": "model.tflite",
                "threads": 1,
                "figures": {
                    "model size": {"value": 4_000_000, "unit": "bytes", "label": "measured"},
                    "latency, median": {"value": milliseconds, "unit": "ms", "label": "measured"},
                },
                "rounds": rounds if milliseconds else [],
            }
        ],
    }


def verdicts(made, *budgets):
    bench_reports.add_verdicts(made, *(budgets or (None, None)))
    return {one["name"]: one["verdict"] for one in made["results"][0]["verdicts"]}


@pytest.mark.parametrize(
    "changes, verdict",
    [
        ({"milliseconds": 80.0}, "met"),
        ({"milliseconds": 174.0}, "met"),
        ({"milliseconds": 180.0}, "missed"),
        ({"milliseconds": None, "stamp": "emulated: runs under qemu-aarch64"}, None),
        ({"board": "Radxa ROCK 4"}, None),
        ({"board": None}, None),
        ({"board": None, "stamp": "not Arm"}, None),
    ],
)
def test_the_published_latency_applies_to_a_raspberry_pi_only(changes, verdict):
    found = verdicts(report(**changes))
    assert found == {"published 3.66 MB": "missed", "published 174 ms": verdict}


def test_a_budget_applies_to_any_real_machine_and_fails_on_an_emulated_one():
    real = report(board=None, stamp="not Arm")
    assert verdicts(real, 100.0, 5.0)["budget 100 ms"] == "met" and bench_reports.list_failures(real) == []
    assert verdicts(real, 10.0, 3.0)["budget 10 ms"] == "missed" and len(bench_reports.list_failures(real)) == 2
    emulated = report(milliseconds=None, stamp="emulated: runs under qemu-aarch64")
    assert verdicts(emulated, 100.0, 5.0)["budget 100 ms"] is None and len(bench_reports.list_failures(emulated)) == 1


def test_a_published_figure_that_is_missed_is_no_failure():
    made = report(milliseconds=180.0)
    verdicts(made)
    assert bench_reports.list_failures(made) == []
    assert (
        bench_reports.describe_verdict(made["results"][0]["verdicts"][1])
        == "published 174 ms: missed, at 103.4% of it (measured)"
    )


def test_predictions_that_differ_fail():
    made = report() | {"records": [{"file": "model.tflite", "windows": 10, "agreeing": 9}]}
    verdicts(made)
    assert bench_reports.list_failures(made) == ["model.tflite: 1 of 10 windows are predicted otherwise"]


def reddish(path):
    """How many pixels are more red than anything else."""
    from matplotlib.image import imread

    red, green, blue = np.moveaxis(imread(path)[:, :, :3], 2, 0)
    return int(((red > green + 0.3) & (red > blue + 0.3)).sum())


def test_the_temperature_is_plotted_where_it_is_known(tmp_path):
    for name, temperature in (("with", 50.0), ("without", None)):
        bench_reports.write_plot(tmp_path / f"{name}.png", report(temperature=temperature))
    assert reddish(tmp_path / "with.png") > 500 and reddish(tmp_path / "without.png") == 0


def crowded(files=1, spread=1.0, name="model.tflite", board="Raspberry Pi 4 Model B Rev 1.4"):
    """A report on several files whose latencies differ by the factor `spread` from the first to the last."""
    made = report(board=board)
    (only,) = made["results"]
    for position, factor in enumerate(np.geomspace(1, spread, files)):
        rounds = [one | {"latencies_ms": [80.0 * factor, 81.0 * factor]} for one in only["rounds"]]
        made["results"].append(only | {"file": f"{position}-{name}", "rounds": rounds})
    return made | {"results": made["results"][1:]}


@pytest.mark.parametrize("size", [None, (7, 5), (16, 9)])
@pytest.mark.parametrize(
    "about",
    [
        {},
        {"files": 2, "spread": 1.001},
        {"files": 3, "spread": 3.0},
        {"files": 4, "spread": 30.0},
        {
            "files": 12,
            "spread": 1e6,
            "name": "a/long/way" * 30 + "$model.tflite",
            "board": "a $board of a long name " * 9,
        },
    ],
)
def test_no_text_of_the_plot_overlaps_or_leaves_it(about, size):
    figure = bench_reports.plot_latencies(crowded(**about))
    if size:
        figure.set_size_inches(*size)
    assert not find_text_faults(figure)
    axes = figure.axes[0]
    assert 2 <= len(axes.xaxis.get_major_locator()()) <= 6


def test_reports_without_a_common_number_of_threads_cannot_be_compared(tmp_path):
    from firmware_bench.runtime.files import write_json

    other = report()
    other["results"][0]["threads"] = 2
    write_json(tmp_path / "a.json", report())
    write_json(tmp_path / "b.json", other)
    with pytest.raises(InputError, match="in common"):
        bench_reports.compare_reports(tmp_path / "a.json", tmp_path / "b.json")
