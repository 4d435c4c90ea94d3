"""Every benchmark runs, here at tiny size, and its result file holds what was measured."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import needs_browser
from labelled_recordings import write_labelled_recordings

import ecg_edge
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.mcu import qemu
from firmware_bench.runtime.reference_vector import verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if "@click.command" in path.read_text())
SCRIPTS.remove("zoo")  # it writes models and their cards: tests/zoo
pytestmark = pytest.mark.slow
needs_qemu = pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
needs_tflite_micro = pytest.mark.skipif(
    importlib.util.find_spec("tflite_micro") is None, reason="TensorFlow Lite Micro is not installed"
)


def test_every_script_has_a_test():
    tested = set(re.findall(r'benchmark\(\s*"(\w+)"', Path(__file__).read_text()))
    assert tested == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_from_any_folder(name, tmp_path):
    ran = subprocess.run([sys.executable, BENCHMARKS / f"{name}.py", "--help"], cwd=tmp_path, capture_output=True)
    assert ran.returncode == 0 and b"--result" in ran.stdout, ran.stderr


def test_components(benchmark, tmp_path):
    result = benchmark("components", "--preset", "tiny", "--leads", 1, "--rounds", 2, "--out", tmp_path / "parts")
    rows = {row["part"]: row for row in result["rows"]}
    assert len(rows) > 2 and rows["whole"]["float_share"] == rows["whole"]["int8_share"] == 1
    assert all(row["float_ms"] > 0 and row["int8_ms"] > 0 for row in rows.values())
    files = sorted(tmp_path.joinpath("parts").glob("*.tflite"))
    assert {"whole-float.tflite", "whole-int8.tflite"} < {file.name for file in files}
    for file in files:
        assert verify_reference(TFLiteModel(file))


def test_rpi_form(benchmark, tmp_path):
    words = ("--arch", "cnn", "--preset", "tiny", "--leads", 1, "--rounds", 2, "--files", tmp_path / "forms")
    (row,) = benchmark("rpi_form", *words)["rows"]
    assert row["architecture"] == "cnn" and row["rpi_over_float"] > 0
    assert row["int8_bytes"] < row["float_bytes"]
    assert len(list(tmp_path.joinpath("forms").iterdir())) == 3
    assert benchmark("rpi_form", *words)["rows"][0]["float_bytes"] == row["float_bytes"]


def test_table_mutation(benchmark):
    rows = benchmark("table_mutation", "--arch", "cnn_att_bilstm", "--arch", "ecg_mamba")["rows"]
    assert len(rows) == 2
    for row in rows:
        assert row["tables"] == row["noticed"] > 20, row["silent"]
        assert row["entries_noticed"] > 0.6 * row["entries"]


def test_input_pipeline(benchmark):
    rows = benchmark("input_pipeline", "--arch", "cnn", "--preset", "tiny", "--batch", 3, "--steps", 3)["rows"]
    assert len(rows) == 4 and all(row["ms"] >= 0 for row in rows)


def test_st_remedies(benchmark, real_data, tmp_path):
    for database in ("cpsc2018", "ptbxl"):
        real_data(database)
    settings = {"signal.window_s": 10, "signal.mode": "offline", "signal.normalise": "record"}
    data = "ptbxl@cpsc2018"
    first = ecg_edge.train("cnn_att_bilstm", "edge", data, None, "multilabel", settings, 1, tmp_path / "run")
    words = ("--pretrained", first.path, "--runs", tmp_path / "runs", "--epochs", 1, "--folds", 2)
    rows = benchmark("st_remedies", *words)["rows"]
    assert len(rows) == 3 and all(row["ste_recordings"] == 10 for row in rows)
    assert all(0 <= row["std_auroc"]["value"] <= 1 for row in rows)


@needs_tflite_micro
def test_layers(benchmark):
    """A part of the layers, in every form but the one that trains, is as the kept table says."""
    kept = json.loads((BENCHMARKS / "results" / "layers.json").read_text())["rows"]
    few = [row for number, row in enumerate(kept) if number % 18 == 6 or row["layer"] == "Activation, softplus"]
    forms = ("int8", "rpi", "streaming", "c99_8", "c99_16")
    words = [word for row in few for word in ("--layer", row["layer"])]
    found = benchmark("layers", *words, *(word for form in forms for word in ("--form", form)))["rows"]
    assert [[row[form] for form in forms] for row in found] == [[row[form] for form in forms] for row in few]
    assert any("operator LOG has no integer form" in row.get("reason", "") for row in found)


def test_selective_ssm(benchmark):
    rows = benchmark("selective_ssm", "--batch", 1, "--seconds", "1,10,12")["rows"]
    assert [row["length"] for row in rows] == ["1 s", "10 s", "12 s", "exponent from 1 s on", "exponent from 10 s on"]
    assert all(row["parallel_training_ms"] > 0 for row in rows[:3])


def test_live(benchmark):
    words = ("--arch", "ecg_mamba", "--arch", "cnn", "--preset", "tiny", "--leads", 1, "--seconds", 25)
    alone, *rows = benchmark("live", *words)["rows"]
    assert "preprocessing" in alone["model"] and alone["speed"] > 1
    assert [row["format"] for row in rows] == ["int16", "csv"] * 2 and "a streaming step" in rows[0]["model"]
    assert all(row["answers"] > 0 and row["speed"] > 1 for row in rows) and rows[0]["answers"] == rows[1]["answers"]


@needs_tflite_micro
def test_streaming(benchmark):
    (row,) = benchmark("streaming", "--width", 8, "--states", 4)["rows"]
    assert row["sqnr_db"] > 20 and row["tflm_arena_bytes"] > 0


def test_synthetic_generator(benchmark):
    (row,) = benchmark("synthetic_generator", "--count", 3)["rows"]
    assert row["recordings"] == 3 and row["ecg_seconds_per_second"] > 1


def test_one_recording(benchmark):
    rows = benchmark("one_recording", "--arch", "cae", "--steps", 30, "--others", 2)["rows"]
    errors = [row["relative_error"] for row in rows]
    assert len(errors) == 3 and errors[0] == min(errors)


@pytest.mark.slow
def test_explanations(benchmark, real_data, monkeypatch, tmp_path):
    real_data("ludb")
    monkeypatch.chdir(tmp_path)  # the run is trained there
    words = ("--epochs", 1, "--records", 2, "--method", "occlusion", "--data", "synthetic", "--data", "ludb")
    rows = benchmark("explanations", *words)["rows"]
    assert [(row["data"], row["label"]) for row in rows] == [
        (data, label) for data in ("synthetic", "ludb") for label in ("PVC", "I-AVB", "STE")
    ]
    # A PR interval takes a fifth to a third of the time, an ST segment a sixth, single premature beats less.
    chances = [row["chance"] for row in rows]
    assert all(0.02 < chance < 0.45 for chance in chances) and all(row["recordings"] <= 2 for row in rows)
    assert all(row["times_chance"] == pytest.approx(row["hit_rate"] / row["chance"], rel=0.05) for row in rows)


@needs_qemu
def test_instructions_per_mac_and_cycles_per_instruction(benchmark, small_file):
    (row,) = benchmark("instructions_per_mac", small_file)["rows"]
    assert 1 < row["per_mac_dsp"] < row["per_mac"]
    (row,) = benchmark("cycles_per_instruction", small_file)["rows"]
    assert 1 < row["cycles_per_instruction_p1"] < row["cycles_per_instruction_p3"] < 3
    assert 0 < row["loads_percent"] < 60


@needs_qemu
@needs_tflite_micro
def test_microcontrollers(benchmark, beat_run):
    rows = benchmark("microcontrollers", "--preset", "tiny", "--arch", "cnn", "--arch", "ecg_mamba")["rows"]
    assert [row["system"] for row in rows] == ["cnn, tiny", "ecg_mamba, tiny, a streaming step"]
    assert all(row["instructions_millions"] > 0 and row["weights_bytes"] > 0 for row in rows)
    run, _ = beat_run
    rows = benchmark("microcontrollers", run)["rows"]
    assert [row["file"] for row in rows] == ["htf_beat-int8", "htf_beat-streaming"]
    assert rows[0]["metric"] == "macro F1" and rows[0]["float"]["value"] is not None and rows[0]["quantised"] is None
    assert all("boards" in row["fits"] for row in rows)


def test_quantisation(benchmark, beat_run):
    run, _ = beat_run
    (row,) = (row for row in benchmark("quantisation", run)["rows"] if row["file"] == "htf_beat-int8")
    assert row["bytes"] == (run / "export" / "htf_beat-int8.tflite").stat().st_size
    assert abs(row["quantised"] - row["float"] - row["difference"]["value"]) < 2e-4


def test_beat_step(benchmark, beat_run):
    run, record = beat_run
    (row,) = benchmark("beat_step", run, record)["rows"]
    assert row["beats"] > 3 and row["differing_from_whole_file"] == 0


def test_generalisation(benchmark, monkeypatch, tmp_path, real_data):
    """On a folder of recordings with labels; a kept row stays as long as the file of its model does."""
    folder, learnt = tmp_path / "data" / "own", real_data("cinc2017")
    folder.mkdir(parents=True)
    folder.with_name("cinc2017").symlink_to(learnt.resolve())
    rows = [f"{write_wfdb(synthesise(r, s, 30, leads=('I',)), folder).name},{label},{s}"
            for s in range(4) for r, label in (("SNR", "N"), ("AF", "A"))]  # fmt: skip
    folder.joinpath("labels.csv").write_text("\n".join(["record,label,patient", *rows]))
    monkeypatch.setenv("ECG_EDGE_DATA", str(folder.parent))
    own, other = benchmark("generalisation", "af-single-lead-small")["rows"]
    assert own["relation"] != other["relation"] and own["f1"]["low"] < own["f1"]["value"] < own["f1"]["high"]
    assert other["classes"] == "N 4, A 4" and other["auroc"]["value"] > 0.8 and "8 recordings of 4" in other["units"]
    file = tmp_path / "generalisation.json"
    kept = json.loads(file.read_text())
    kept["rows"] = [other | {"data": "kept"}, other | {"digest": "of another file"}]
    file.write_text(json.dumps(kept))
    monkeypatch.setattr(ecg_edge.zoo, "list_models", lambda: ["af-single-lead-small"])  # others need other databases
    assert [row["data"] for row in benchmark("generalisation")["rows"]][:1] == ["kept"]


def test_sequence_length(benchmark):
    *rows, exponent = benchmark("sequence_length", "--preset", "tiny", "--seconds", "2,4,8")["rows"]
    macs = [row["macs_millions"] for row in rows]
    assert macs[1] == pytest.approx(2 * macs[0], rel=0.01) and macs[2] == pytest.approx(4 * macs[0], rel=0.01)
    assert exponent["macs_millions"] == pytest.approx(1, abs=0.02) and all(row["processor_ms"] > 0 for row in rows)


def test_pretraining(benchmark, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_labelled_recordings(folder)
    words = ("--arch", "cnn", "--signals", folder, "--data", folder, "--task", "rhythm", "--seeds", 1)
    *rows, fresh, pretrained = benchmark("pretraining", *words, "--epochs", 1, "--pretrain-epochs", 1)["rows"]
    assert [row["start"] for row in rows] == ["fresh", "pretrained"]
    assert fresh["validation_loss"] != pretrained["validation_loss"] > 0


def test_bad_input_is_one_line(tmp_path):
    command = [sys.executable, BENCHMARKS / "rpi_form.py", "--arch", "no_such_architecture"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    assert ran.stderr.startswith("error: ") and ran.stderr.count("\n") == 1 and "no_such_architecture" in ran.stderr


def test_kept_results_share_one_form():
    files = sorted(BENCHMARKS.joinpath("results").glob("*.json"))
    assert files
    for file in files:
        result = json.loads(file.read_text(encoding="utf-8"))
        assert result["kind"] in ("measured", "estimated", "emulated"), file
        assert result["command"] and result["conditions"] and result["rows"], file
        transcribed = result["source"].startswith("transcribed from the documentation of version 0.1.0")
        assert transcribed != {"machine", "date", "versions"}.issubset(result), file


@needs_qemu
def test_front_end(benchmark):
    (row,) = benchmark("front_end", "--cases", 1)["rows"]
    assert 5_000 < row["instructions_per_second"] < 60_000 and row["steps"] == "high-pass 0.5 Hz"
    assert row["lowest_sqnr_db"] is None or row["lowest_sqnr_db"] >= 60


@needs_qemu
def test_device_path(benchmark, tmp_path):
    from small_models import altered, convolutional

    from ecg_edge.training.config import SignalConfig

    file = tmp_path / "model.tflite"
    steps = SignalConfig(fs=100.0, mode="causal").steps()
    file.write_bytes(altered(convolutional(), preprocessing=steps, window_preprocessing=[]))
    (row,) = benchmark("device_path", file, "--hop", 0.5)["rows"]
    assert row["answer_s"] == pytest.approx(0.48, abs=0.01) and 0 < row["share"] < 1
    assert row["front_end_per_second"] > 0 and row["ram_bytes"] > 500


@needs_qemu
def test_beat_system(benchmark):
    (row,) = benchmark("beat_system", "--preset", "tiny")["rows"]
    assert 1e6 < row["instructions_per_second"] < 3e6 and 10_000 < row["ram_bytes"] < 20_000
    assert row["front_end_per_second"] < row["dearest_poll"] < 1e6


@needs_qemu
def test_qrs_detector(benchmark, monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path))  # no recordings
    (row,) = benchmark("qrs_detector")["rows"]
    assert row["beats"] == 75 and 5_000 < row["instructions_per_second"] < 30_000 and row["ram_bytes"] < 500


def test_qrs_detector_on_recordings(benchmark, real_data):
    real_data("mitdb")
    rows = benchmark("qrs_detector", "--records", 1, "--processes", 1)["rows"]
    assert rows[0]["database"] == "mitdb, 1 record" and rows[1]["record"] == "mitdb/100"
    assert rows[0]["sensitivity"] > 99.9 and rows[0]["positive_predictivity"] > 99.9


def test_device_accuracy(benchmark, beat_run, monkeypatch, tmp_path):
    """On a synthetic record of MIT-BIH's form, which the run does not know; half of it counts as AF."""
    import numpy as np
    import wfdb
    from small_models import altered
    from small_pairs import make_pair

    from ecg_edge.demo import write_wfdb
    from ecg_edge.records.synthetic_ecg import synthesise
    from firmware_bench.runtime.metadata_format import read_metadata

    leads, (rhythm, beats) = ["MLII", "V1"], make_pair()
    beats = altered(beats, leads=leads, labels=["N", "A", "V"])
    named = {"file": "beats.tflite", "digest": read_metadata(beats).digest}
    (tmp_path / "beats.tflite").write_bytes(beats)
    (tmp_path / "rhythm.tflite").write_bytes(altered(rhythm, leads=leads, embedder=named))
    record = synthesise("PVC", seed=3, fs=360.0, leads=["II", "V1"], seconds=60)
    folder = tmp_path / "data" / "mitdb"
    folder.mkdir(parents=True)
    write_wfdb(dataclasses.replace(record, name="100", leads=tuple(leads)), folder)
    marks = [("(N", 1), ("(AFIB", 30 * 360)]
    samples = [*record.beats.samples.tolist(), *(sample for _, sample in marks)]
    symbols, notes = [*record.beats.symbols.tolist(), "+", "+"], [""] * len(record.beats.samples) + ["(N", "(AFIB"]
    order = np.argsort(samples, kind="stable")
    symbols, notes = ([values[n] for n in order] for values in (symbols, notes))
    wfdb.wrann("100", "atr", np.sort(samples), symbols, aux_note=notes, write_dir=str(folder))
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path / "data"))
    run, _ = beat_run
    rows = benchmark("device_accuracy", tmp_path / "rhythm.tflite", "--run", run, "--processes", 1)["rows"]
    detected, annotated = (row for row in rows if "beats_of" in row)
    assert detected["beats_of"] == "MIT-BIH, DS2, 1 record" and annotated["peaks"] == "annotated"
    assert detected["N_beats"] + detected["V_beats"] == len(record.beats.samples)
    assert detected["missed"] <= 3 and annotated["missed"] <= 3 and annotated["false"] == 0
    assert [row["annotated"] for row in rows if row.get("episodes") == "all"] == [1, 1]
    assert [row["annotated_percent"] for row in rows if "record" in row] == pytest.approx([50, 50], abs=15)


def test_running_threshold(benchmark, tmp_path):
    import ecg_edge

    run = ecg_edge.train("cae", "tiny", leads=["I"], epochs=1, folder=tmp_path / "run")
    normal, abnormal, both = benchmark("running_threshold", run.path)["rows"]
    assert "abnormal_windows" not in normal and "normal_windows" not in abnormal
    assert both["normal_windows"] > both["abnormal_windows"] == abnormal["abnormal_windows"] > 10
    assert 0 <= abnormal["abnormal_running_percent"] <= 100


@needs_browser
@pytest.mark.slow
def test_page_pan(benchmark):
    (row,) = benchmark("page_pan", "--hours", "1", "--leads", "2", "--pans", "2")["rows"]
    assert 0 < row["server_ms"] < row["pan_ms"] <= row["slowest_pan_ms"]
